"""Tips: whole numbers, a note, once, and shown when both wish it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from mutoscope.platform.billing.failures import InsufficientPoints, NoSuchFilm, OwnFilm, RequestKeyReused, Unacceptable
from mutoscope.platform.billing.models import Tip
from mutoscope.platform.billing.tips.service import GiveTip, GiveTipInputs, GiveTipOutputs, show_tip, shown_tips
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.public import VideoState
from tests.platform.billing.shop import Shop, give

pytestmark = pytest.mark.django_db


def tip(shop: Shop, points: object = 10, key: str = "a", note: str = "", may_be_shown: bool = False) -> GiveTipOutputs:
    return GiveTip().call(GiveTipInputs(shop.viewer.pk, shop.video.public_id, points, key, note, may_be_shown))


def test_a_tip_reaches_the_creator_less_the_fee() -> None:
    shop = Shop.open(points=100)
    tip(shop, 19)
    assert (shop.points(), shop.earnings()) == (81, 18)


def test_the_same_form_twice_gives_once() -> None:
    shop = Shop.open(points=100)
    tip(shop), tip(shop)
    assert (shop.points(), Tip.objects.count()) == (90, 1)
    with pytest.raises(RequestKeyReused):
        tip(shop, 11)


@pytest.mark.parametrize("points", [0, -1, 1.5, "1.5", True, "", 10**7, "NaN", None])
def test_what_is_no_tip_is_refused_with_the_field_named(points: object) -> None:
    shop = Shop.open(points=100)
    with pytest.raises(Unacceptable) as refused:
        tip(shop, points)
    assert refused.value.field() == "points"
    assert shop.points() == 100


def test_a_note_that_would_reorder_the_page_is_refused() -> None:
    with pytest.raises(Unacceptable) as refused:
        tip(Shop.open(), note="nice \u202e film")
    assert refused.value.field() == "note"


def test_too_few_points_own_film_and_a_withdrawn_one() -> None:
    shop = Shop.open(points=5)
    with pytest.raises(InsufficientPoints):
        tip(shop)
    give(shop.creator, 100)
    with pytest.raises(OwnFilm):
        GiveTip().call(GiveTipInputs(shop.creator.pk, shop.video.public_id, 5, "k"))
    move(shop.video.pk, VideoState.ARCHIVED)
    with pytest.raises(NoSuchFilm):
        tip(shop, 1)


def test_a_note_is_shown_when_both_wish_it() -> None:
    shop = Shop.open()
    tip(shop, key="a", note="Private")
    tip(shop, key="b", note="Public", may_be_shown=True)
    for given in Tip.objects.all():
        show_tip(given.pk, shop.creator.pk, is_shown=True)
    assert [given.note for given in shown_tips(shop.video.pk)] == ["Public"]
    with pytest.raises(NoSuchFilm):
        show_tip(Tip.objects.first().pk, shop.viewer.pk, is_shown=False)  # type: ignore[union-attr]


def test_through_the_page(client: Client) -> None:
    shop = Shop.open(points=100)
    client.force_login(shop.viewer)
    address = f"/tip/{shop.video.public_id}/"
    key = client.get(address).context["form"].initial["request_key"]
    answer = client.post(address, {"points": "ten", "request_key": key})
    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {"points"})
    for _ in range(2):
        answer = client.post(address, {"points": "10", "note": "Lovely", "request_key": key})
        assert (answer.status_code, answer["Location"]) == (302, f"/watch/{shop.video.public_id}")
    assert shop.points() == 90
    client.force_login(shop.creator)
    assert client.get(address).status_code == 404


def test_the_database_itself_holds_the_parts() -> None:
    tip(Shop.open())
    for wrong in ({"fee_points": -1, "creator_points": 11}, {"fee_points": 11, "creator_points": -1}, {"points": 11}):
        with pytest.raises(IntegrityError, match="billing_tip_parts_add_up"), transaction.atomic():
            Tip.objects.update(**wrong)


def test_who_asks_again_since_no_answer_came_gets_it_whatever_became_of_fee_and_film(settings: Any) -> None:
    shop = Shop.open(points=100)
    first = tip(shop, 20, note="Lovely")
    settings.FEE_BPS = 2000
    move(shop.video.pk, VideoState.ARCHIVED)
    again = tip(shop, 20, note="Lovely")
    assert [(given.is_repeated, given.points, given.channel_title) for given in (first, again)] == [
        (False, 20, shop.video.channel.title),
        (True, 20, shop.video.channel.title),
    ]
    assert (shop.points(), shop.earnings(), Tip.objects.count()) == (80, 18, 1)
    for points, note in ((21, "Lovely"), (20, "Lovelier")):
        with pytest.raises(RequestKeyReused):
            tip(shop, points, note=note)
