"""A film that its creator withdrew, for whoever unlocked it before."""

from __future__ import annotations

import pytest
from django.test import Client

from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.public import VideoState, film_address
from tests.platform.billing.shop import Shop

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("term", "words"), [(Term.DAY, "You keep it until "), (Term.LIFETIME, "You keep it for ever.")]
)
def test_its_page_says_so_and_offers_nothing_that_ends_nowhere(client: Client, term: Term, words: str) -> None:
    shop = Shop.open()
    shop.unlock(term)
    move(shop.video.pk, VideoState.ARCHIVED)
    client.force_login(shop.viewer)
    page = client.get(film_address(shop.video)).content.decode()
    assert "Withdrawn by its creator." in page
    assert words in page
    for nowhere in ("Only you can see this page", "Share", "Watch longer", f"/unlock/{shop.video.public_id}/", "/tip/"):
        assert nowhere not in page, nowhere


def test_its_creator_still_reads_that_nobody_else_sees_it(client: Client) -> None:
    shop = Shop.open()
    move(shop.video.pk, VideoState.ARCHIVED)
    client.force_login(shop.creator)
    page = client.get(film_address(shop.video)).content.decode()
    assert "Only you can see this page: the film is not published." in page
    assert "Withdrawn by its creator" not in page


def test_the_library_sells_no_more_time_of_it(client: Client) -> None:
    shop = Shop.open()
    shop.unlock(Term.DAY)
    client.force_login(shop.viewer)
    assert "Extend" in client.get("/library/").content.decode()
    move(shop.video.pk, VideoState.ARCHIVED)
    page = client.get("/library/").content.decode()
    assert "Extend" not in page
    assert "withdrawn by its creator" in page
