"""A film that was taken down is sold to nobody; who bought it reads so, and can be refunded."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.failures import NotForSale
from mutoscope.platform.billing.models import Purchase
from mutoscope.platform.billing.pricing.service import SetPrices, SetPricesInputs
from mutoscope.platform.billing.refunds.service import RefundPurchase, RefundPurchaseInputs
from mutoscope.platform.videos.takedown.service import (
    LiftTakeDown,
    LiftTakeDownInputs,
    TakeDownFilm,
    TakeDownFilmInputs,
)
from tests.people import make_channel, make_person
from tests.platform.billing.shop import PRICES, Shop, give
from tests.platform.videos.watch.conftest import films_folder
from tests.platform.videos.watch.players import Player, kind
from tests.platform.videos.watch.screenings import new_film

__all__ = ["films_folder"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_a_take_down_means_for_those_who_paid_and_those_who_would(films_folder: Path) -> None:
    owner, buyer, stranger, staff = (make_person(name) for name in ("nora", "petra", "paul", "olga"))
    film = new_film(make_channel(owner))
    SetPrices().call(SetPricesInputs(owner.pk, film.public_id, PRICES))
    for person in (buyer, stranger):
        give(person, 1000)
    Shop(owner, buyer, film).unlock(Term.LIFETIME)
    player = Player(film, buyer)
    assert player.begin().status_code == 200
    TakeDownFilm().call(TakeDownFilmInputs(film.pk, staff.pk, "Its music is somebody else's."))
    assert kind(player.key()) == "taken-down"
    assert "give you your points back" in player.client.get(f"/watch/{film.public_id}").content.decode()
    library = player.client.get("/library/").content.decode()
    assert "Taken down by this site. It does not play at present." in library
    assert "Watch<span" not in library
    with pytest.raises(NotForSale):
        Shop(owner, stranger, film).unlock(Term.DAY)
    asking = Client()
    asking.force_login(stranger)
    for client in (asking, player.client):
        assert client.get(f"/unlock/{film.public_id}/").status_code == 404
        assert client.get(f"/tip/{film.public_id}/").status_code == 404
    LiftTakeDown().call(LiftTakeDownInputs(film.pk, staff.pk))
    assert player.begin().status_code == 200, "a right outlives a take-down"
    TakeDownFilm().call(TakeDownFilmInputs(film.pk, staff.pk, "Once more."))
    RefundPurchase().call(RefundPurchaseInputs(Purchase.objects.get().pk, staff.pk, "It was taken down."))
    assert "points back" not in player.client.get(f"/watch/{film.public_id}").content.decode()
