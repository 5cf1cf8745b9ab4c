"""Codes: what they take off, who may use them, and what is left of them in the books."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing import books
from mutoscope.platform.billing.clock import MovedClock
from mutoscope.platform.billing.coupons.service import EndCoupon, EndCouponInputs, MakeCoupon, MakeCouponInputs
from mutoscope.platform.billing.domain.coupons import BadCode, Discount, parse_code
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.earnings.revenue import revenue_of
from mutoscope.platform.billing.failures import (
    BadCoupon,
    CannotRefund,
    InsufficientPoints,
    NoSuchCoupon,
    NoSuchFilm,
    PriceChanged,
    Unacceptable,
)
from mutoscope.platform.billing.models import Coupon, CouponUse, Purchase
from mutoscope.platform.billing.reconcile.service import find
from mutoscope.platform.billing.refunds.service import RefundPurchase, RefundPurchaseInputs
from mutoscope.platform.videos.public import VideoState
from tests.people import make_channel, make_person
from tests.platform.billing.books import all_is_well
from tests.platform.billing.coupons.codes import make, use
from tests.platform.billing.shop import PRICES, Shop, give
from tests.platform.videos.films import new_video

pytestmark = pytest.mark.django_db


def test_a_share_is_taken_off_and_the_fee_is_of_what_is_paid() -> None:
    shop = Shop.open(points=100)
    make(shop)
    bought = use(shop, 15)
    assert (bought.points, shop.points()) == (15, 85)
    purchase = Purchase.objects.get()
    assert (purchase.price_points, purchase.discount_points, purchase.fee_points, purchase.creator_points) == (
        30,
        15,
        1,
        14,
    )
    assert shop.earnings() == 14 == revenue_of(shop.video.channel_id, None).points()
    coupon = Coupon.objects.get()
    assert (coupon.uses, CouponUse.objects.get().points_off) == (1, 15)
    assert all_is_well()


def test_a_code_is_found_however_it_is_typed() -> None:
    shop = Shop.open()
    make(shop, "Autumn-25")
    assert use(shop, 15, code="  autumn-25 ").points == 15


def test_everything_taken_off_is_an_unlock_without_a_transfer() -> None:
    shop = Shop.open(points=0)
    make(shop, percent=100)
    bought = use(shop, 0)
    assert (bought.points, bought.transfer_id) == (0, None)
    assert shop.entitlement().version == 1
    assert books.balance(books.Kind.FEES).posted == 0
    assert all_is_well()
    with pytest.raises(CannotRefund, match="Nothing was paid"):
        RefundPurchase().call(RefundPurchaseInputs(bought.purchase_id, make_person("staff").pk, "why not"))


def test_more_points_than_the_price_are_the_price() -> None:
    shop = Shop.open()
    make(shop, points_off=45)
    assert use(shop, 0).points == 0
    other = make_person("petra")
    give(other, 100)
    assert use(shop, 15, Term.MONTH, viewer=other).points == 15


def test_it_is_taken_from_what_an_upgrade_leaves_to_pay() -> None:
    shop = Shop.open()
    make(shop)
    shop.unlock(Term.DAY)
    # 200, less 30 for the day, and half of what is left.
    assert use(shop, 85, Term.LIFETIME).points == 85


def test_what_a_code_took_off_is_not_credited_later() -> None:
    shop = Shop.open()
    make(shop, percent=100)
    use(shop, 0, Term.MONTH)
    # The month was sold at nothing.
    assert shop.unlock(Term.LIFETIME, 200).points == 200


@given(st.integers(0, 1_000_000), st.integers(1, 100))
def test_a_share_never_takes_more_than_there_is_and_rounds_for_the_creator(due: int, percent: int) -> None:
    off = Discount(percent, None).off(due)
    assert 0 <= off <= due
    assert off * 100 <= due * percent < (off + 1) * 100


@given(st.integers(0, 1_000_000), st.integers(1, 1_000_000))
def test_points_never_take_more_than_there_is(due: int, points: int) -> None:
    assert 0 <= due - Discount(None, points).off(due) <= due


def refused(shop: Shop, **how: Any) -> str:
    before = (shop.points(), Purchase.objects.count(), CouponUse.objects.count())
    with pytest.raises(BadCoupon) as raised, transaction.atomic():
        use(shop, 15, **how)
    assert (shop.points(), Purchase.objects.count(), CouponUse.objects.count()) == before
    assert raised.value.field() == "coupon"
    return raised.value.sentence()


def test_a_viewer_uses_a_code_once() -> None:
    shop = Shop.open()
    second = new_video(shop.video.channel, VideoState.PUBLISHED, "Another")
    Shop(shop.creator, shop.viewer, second).price(PRICES)
    make(shop)
    use(shop, 15)
    assert "already" in refused(shop)
    assert "already" in refused(shop, video=second)


def test_a_limit_is_of_all_viewers_together() -> None:
    shop = Shop.open()
    make(shop, uses_max=1)
    use(shop, 15)
    other = make_person("petra")
    give(other, 100)
    assert "as often as it may be" in refused(shop, viewer=other)


def test_before_its_time_after_it_and_once_ended_it_takes_nothing_off() -> None:
    shop = Shop.open()
    now = timezone.now()
    make(shop, starts_at=now + timedelta(days=1), ends_at=now + timedelta(days=2))
    assert "not count yet" in refused(shop)
    assert use(shop, 15, clock=MovedClock(timedelta(days=1, hours=1))).points == 15
    assert "ended" in refused(shop, viewer=rich("petra"), clock=MovedClock(timedelta(days=2)))
    make(shop, "WINTER")
    EndCoupon().call(EndCouponInputs(shop.video.channel, "winter"))
    assert "ended" in refused(shop, code="WINTER")


def rich(name: str) -> Person:
    person = make_person(name)
    give(person, 1000)
    return person


def test_a_code_of_one_film_or_of_another_channel_counts_nowhere_else() -> None:
    shop = Shop.open()
    second = new_video(shop.video.channel, VideoState.PUBLISHED, "Another")
    Shop(shop.creator, shop.viewer, second).price(PRICES)
    make(shop, public_id=second.public_id)
    assert "not for this film" in refused(shop)
    assert use(shop, 15, video=second).points == 15
    elsewhere = make_channel(make_person("mallory"), "mallory")
    MakeCoupon().call(MakeCouponInputs(elsewhere, "THEIRS", percent=100))
    assert "not for this film" in refused(shop, code="THEIRS")
    assert "not for this film" in refused(shop, code="NEVER-WAS")


def test_a_price_told_without_the_code_is_asked_again() -> None:
    shop = Shop.open()
    make(shop)
    with pytest.raises(PriceChanged) as changed:
        use(shop, 30)
    assert changed.value.points == 15


def test_too_few_points_use_no_code_up() -> None:
    shop = Shop.open(points=10)
    make(shop, uses_max=1)
    with pytest.raises(InsufficientPoints):
        use(shop, 15)
    assert Coupon.objects.get().uses == 0
    assert not CouponUse.objects.exists()


def test_with_a_code_a_click_is_one_round_trip_more() -> None:
    shop = Shop.open()
    make(shop)
    with CaptureQueriesContext(connection) as queries:
        use(shop, 15)
    assert len(queries) == 3


@pytest.mark.parametrize(
    ("how", "field"),
    [
        ({"code": "A"}, "code"),
        ({"code": "TWO WORDS"}, "code"),
        ({"code": "Ä-CODE"}, "code"),
        ({"code": "X" * 25}, "code"),
        ({"percent": "0"}, "percent"),
        ({"percent": "101"}, "percent"),
        ({"percent": "-5"}, "percent"),
        ({"percent": "12.5"}, "percent"),
        ({"points_off": "0"}, "points_off"),
        ({"points_off": "1000001"}, "points_off"),
        ({"percent": 10, "points_off": 10}, "percent"),
        ({"percent": None}, "percent"),
        ({"percent": 10, "uses_max": "0"}, "uses_max"),
        ({"percent": 10, "uses_max": "many"}, "uses_max"),
        ({"percent": 10, "ends_at": datetime(2020, 1, 1, tzinfo=UTC)}, "ends_at"),
    ],
)
def test_bad_input_is_refused_with_its_field(how: dict[str, Any], field: str) -> None:
    shop = Shop.open(points=0)
    limits = {"code": "AUTUMN", **({} if {"percent", "points_off"} & set(how) else {"percent": 10}), **how}
    with pytest.raises(Unacceptable) as raised:
        MakeCoupon().call(MakeCouponInputs(shop.video.channel, limits.pop("code"), **limits))
    assert raised.value.field() == field
    assert not Coupon.objects.exists()


def test_a_code_is_had_once_and_only_for_ones_own_films() -> None:
    shop = Shop.open(points=0)
    make(shop)
    with pytest.raises(Unacceptable) as raised:
        make(shop, "autumn")
    assert raised.value.field() == "code"
    elsewhere = make_channel(make_person("mallory"), "mallory")
    with pytest.raises(NoSuchFilm):
        MakeCoupon().call(MakeCouponInputs(elsewhere, "THEIRS", percent=5, public_id=shop.video.public_id))
    with pytest.raises(NoSuchCoupon):
        EndCoupon().call(EndCouponInputs(elsewhere, "AUTUMN"))


@pytest.mark.parametrize("typed", ["", "  ", "-AB", "A_B"])
def test_what_is_no_code_is_told_so(typed: str) -> None:
    with pytest.raises(BadCode):
        parse_code(typed)


def test_the_database_itself_holds_the_limit() -> None:
    shop = Shop.open(points=0)
    coupon = make(shop, uses_max=1)
    for wrong in ({"uses": 2}, {"percent": 0}, {"percent": 101}, {"points_off": 5}, {"code": "no"}, {"percent": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Coupon.objects.filter(pk=coupon.pk).update(**wrong)


def test_reconciliation_names_a_code_that_was_used_without_a_receipt() -> None:
    shop = Shop.open()
    coupon = make(shop)
    use(shop, 15)
    Coupon.objects.filter(pk=coupon.pk).update(uses=2)
    assert [(finding.name, finding.rows) for finding in find()][:1] == [
        ("coupon_differs", (("coupon", coupon.pk, "uses", 1),))
    ]
