"""Prices: any subset of terms, whole numbers, a history that is kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.failures import NoSuchFilm, Unacceptable
from mutoscope.platform.billing.models import Offer
from mutoscope.platform.billing.pricing.service import SetPrices, SetPricesInputs, current_offers
from tests.people import make_person
from tests.platform.billing.shop import Shop

pytestmark = pytest.mark.django_db


def now_sold(shop: Shop) -> dict[str, int]:
    return {offer.term: offer.points for offer in current_offers(shop.video.pk)}


def test_prices_are_ended_not_changed() -> None:
    shop = Shop.open()
    shop.price({Term.DAY: 30, Term.MONTH: 70})
    assert now_sold(shop) == {"day": 30, "month": 70}
    ended = Offer.objects.filter(ended_at__isnull=False).order_by("id")
    assert [(offer.term, offer.points) for offer in ended] == [("month", 60), ("lifetime", 200)]
    assert (
        SetPrices().call(SetPricesInputs(shop.creator.pk, shop.video.public_id, {Term.DAY: 30, Term.MONTH: 70})).changes
        == 0
    )


def test_free_and_back() -> None:
    shop = Shop.open()
    SetPrices().call(SetPricesInputs(shop.creator.pk, shop.video.public_id, {}, is_free=True))
    assert now_sold(shop) == {"free": 0}
    shop.price({Term.DAY: 5})
    assert now_sold(shop) == {"day": 5}
    shop.price({})
    assert now_sold(shop) == {}


@pytest.mark.parametrize("points", [0, -1, 1.5, "1.5", "1e3", True, 1_000_001, "NaN", "٣"])
def test_what_is_no_price_is_refused_with_the_field_named(points: Any) -> None:
    shop = Shop.open()
    with pytest.raises(Unacceptable) as refused:
        shop.price({Term.DAY: 30, Term.MONTH: points})
    assert refused.value.field() == "month"
    assert now_sold(shop) == {"day": 30, "month": 60, "lifetime": 200}


def test_a_longer_term_is_not_cheaper_and_free_has_no_price() -> None:
    shop = Shop.open()
    with pytest.raises(Unacceptable) as refused:
        shop.price({Term.DAY: 30, Term.LIFETIME: 29})
    assert (refused.value.field(), refused.value.sentence()) == ("lifetime", "A lifetime cannot cost less than a day.")
    with pytest.raises(Unacceptable):
        SetPrices().call(SetPricesInputs(shop.creator.pk, shop.video.public_id, {Term.DAY: 1}, is_free=True))


def test_only_the_creator_sets_prices(client: Client) -> None:
    shop = Shop.open()
    with pytest.raises(NoSuchFilm):
        SetPrices().call(SetPricesInputs(shop.viewer.pk, shop.video.public_id, {Term.DAY: 1}))
    client.force_login(make_person("petra"))
    assert client.post(f"/studio/films/{shop.video.public_id}/price/", {"day": "1"}).status_code == 404
    assert now_sold(shop)["day"] == 30


@pytest.mark.parametrize(("term", "points"), [("day", 0), ("day", -1), ("free", 1), ("week", 5), ("day", 1_000_001)])
def test_the_database_refuses_what_goes_around_the_service(term: str, points: int) -> None:
    shop = Shop.open(prices={})
    with pytest.raises(IntegrityError), transaction.atomic():
        Offer.objects.create(video=shop.video, term=term, points=points)


def test_through_the_page(client: Client) -> None:
    shop = Shop.open(prices={})
    client.force_login(shop.creator)
    address = f"/studio/films/{shop.video.public_id}/price/"
    answer = client.post(address, {"day": "12", "month": "-3", "lifetime": "2.5"})
    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {"month", "lifetime"})
    assert not Offer.objects.exists()
    assert client.post(address, {"day": "12", "month": "", "lifetime": "80"}).status_code == 302
    assert now_sold(shop) == {"day": 12, "lifetime": 80}
    page = client.get(address).content.decode()
    assert 'value="12"' in page
    answer = client.post(address, {"is_free": "on", "day": "12"})
    assert "is_free" in answer.context["form"].errors
