"""What a key of a film costs the whole site, as it is wired: the seller is asked, too."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mutoscope.platform.billing.models import Entitlement
from mutoscope.platform.videos.models import KeyPeriod
from tests.people import make_channel, make_person
from tests.platform.videos.watch.conftest import films_folder
from tests.platform.videos.watch.players import Player
from tests.platform.videos.watch.screenings import new_film

__all__ = ["films_folder"]


@pytest.mark.django_db
def test_a_key_that_was_paid_for_costs_two_queries(films_folder: Path) -> None:
    film = new_film(make_channel(make_person("nora")))
    viewer = make_person("petra")
    Entitlement.objects.create(viewer=viewer, video=film, expires_at=timezone.now() + timedelta(hours=1))
    player = Player(film, viewer)
    assert player.begin().status_code == 200
    address = f"/keys/{KeyPeriod.objects.get(edition=film.edition, number=0).public_id}"
    with CaptureQueriesContext(connection) as queries:
        assert player.client.get(address, headers={"X-Playback": player.token}).status_code == 200
    asked = [query["sql"] for query in queries]
    assert len(asked) == 2, asked
    assert sum("billing_entitlement" in sql for sql in asked) == 1, "the seller was asked"
