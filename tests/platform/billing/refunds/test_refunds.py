"""Refunds: the points go back where they came from, and so does the time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from mutoscope.engines.ledger import Transfer, credit, debit
from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock, MovedClock
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.failures import BadCoupon, CannotRefund, NoSuchPurchase, Unacceptable
from mutoscope.platform.billing.models import Purchase, Refund
from mutoscope.platform.billing.refunds.service import RefundPurchase, RefundPurchaseInputs
from mutoscope.platform.billing.unlock.rights import right_of
from tests.people import make_person
from tests.platform.billing.coupons.codes import make, use
from tests.platform.billing.shop import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Person:
    return make_person("stan", is_staff=True)


def refund(purchase_id: int, staff: Person, clock: Clock = SERVER_CLOCK, reason: str = "The sound was missing.") -> int:
    return RefundPurchase(clock).call(RefundPurchaseInputs(purchase_id, staff.pk, reason)).points


def test_everything_goes_back_and_the_time_ends(staff: Person) -> None:
    shop = Shop.open(points=100)
    fees = books.balance(Kind.FEES).posted
    bought = shop.unlock(Term.DAY)
    assert refund(bought.purchase_id, staff) == 30
    assert (shop.points(), shop.earnings(), books.balance(Kind.FEES).posted) == (100, 0, fees)
    assert not right_of(shop.viewer.pk, shop.video.pk).is_live()
    assert Refund.objects.get().by == staff
    client = Client()
    client.force_login(shop.viewer)
    assert "refunded" in client.get("/library/").content.decode()
    # The page that was open before must not be believed.
    assert shop.entitlement().version == 2
    assert shop.unlock(Term.DAY, version=2).points == 30


def test_one_purchase_is_refunded_once(staff: Person) -> None:
    shop = Shop.open()
    bought = shop.unlock(Term.DAY)
    refund(bought.purchase_id, staff)
    with pytest.raises(CannotRefund):
        refund(bought.purchase_id, staff)
    assert shop.points() == 1000


def test_nobody_refunds_themselves() -> None:
    shop = Shop.open()
    bought = shop.unlock(Term.DAY)
    with pytest.raises(CannotRefund, match="your own purchase"):
        refund(bought.purchase_id, shop.viewer)
    assert shop.points() == 970


def test_of_two_days_one_stays(staff: Person) -> None:
    shop = Shop.open()
    first = shop.unlock(Term.DAY)
    shop.unlock(Term.DAY)
    refund(first.purchase_id, staff)
    second = Purchase.objects.latest("number")
    assert shop.entitlement().expires_at == second.bought_at + timedelta(days=1)
    assert shop.points() == 970


def test_what_came_after_moves_forward_and_its_receipt_says_so(staff: Person) -> None:
    shop = Shop.open()
    first = shop.unlock(Term.MONTH)
    second = shop.unlock(Term.MONTH, version=1, clock=MovedClock(timedelta(days=5)))
    refund(first.purchase_id, staff, MovedClock(timedelta(days=10)))
    moved = Purchase.objects.get(pk=second.purchase_id)
    assert (moved.starts_at, moved.expires_at) == (moved.bought_at, moved.bought_at + timedelta(days=30))
    assert shop.entitlement().expires_at == moved.expires_at
    # By then it has ended, and counts towards nothing.
    later = MovedClock(timedelta(days=40))
    shop.unlock(Term.DAY, version=3, clock=later)
    assert shop.unlock(Term.LIFETIME, 170, version=4, clock=later).points == 170


def test_refunding_an_upgrade_brings_back_what_it_had_credited(staff: Person) -> None:
    shop = Shop.open()
    day = shop.unlock(Term.DAY)
    month = shop.unlock(Term.MONTH, 30)
    with pytest.raises(CannotRefund) as refused:
        refund(day.purchase_id, staff)
    assert str(month.purchase_id) in refused.value.sentence()
    refund(month.purchase_id, staff)
    assert shop.points() == 970
    assert shop.entitlement().expires_at == day.expires_at
    # The day counts towards the next upgrade again.
    assert shop.unlock(Term.MONTH, 30).points == 30


def test_an_upgrade_that_a_code_paid_for_is_taken_back_and_then_what_it_had_credited(staff: Person) -> None:
    shop = Shop.open()
    make(shop, percent=100)
    day = shop.unlock(Term.DAY)
    month = use(shop, 0, Term.MONTH)
    earned = shop.earnings()
    with pytest.raises(CannotRefund, match=f"purchase {month.purchase_id}. Refund that one first"):
        refund(day.purchase_id, staff)
    # Nothing moves, and the month is gone; the day, which was paid for, is not.
    assert refund(month.purchase_id, staff) == 0
    assert (shop.points(), shop.earnings()) == (970, earned)
    assert shop.entitlement().expires_at == day.expires_at
    assert refund(day.purchase_id, staff) == 30
    assert (shop.points(), shop.earnings()) == (1000, 0)
    assert not right_of(shop.viewer.pk, shop.video.pk).is_live()
    # Once, and on record as every refund is.
    with pytest.raises(CannotRefund, match="refunded before"):
        refund(month.purchase_id, staff)
    assert [each.transfer_id is None for each in Refund.objects.order_by("id")] == [True, False]
    # The code was used, and stays so.
    with pytest.raises(BadCoupon):
        use(shop, 0, Term.MONTH)


def test_a_chain_of_upgrades_that_codes_paid_for_is_taken_back_from_its_end(staff: Person) -> None:
    shop = Shop.open()
    make(shop, percent=100)
    make(shop, "WINTER", percent=100)
    day = shop.unlock(Term.DAY)
    month = use(shop, 0, Term.MONTH)
    lifetime = use(shop, 0, Term.LIFETIME, code="WINTER")
    with pytest.raises(CannotRefund, match=f"purchase {lifetime.purchase_id}."):
        refund(month.purchase_id, staff)
    assert [refund(each.purchase_id, staff) for each in (lifetime, month, day)] == [0, 0, 30]
    assert shop.points() == 1000


def test_what_a_code_gave_and_nothing_was_credited_to_is_not_refunded(staff: Person) -> None:
    shop = Shop.open()
    make(shop, percent=100)
    given = use(shop, 0, Term.MONTH)
    with pytest.raises(CannotRefund, match="Nothing was paid"):
        refund(given.purchase_id, staff)
    assert right_of(shop.viewer.pk, shop.video.pk).is_live()


def test_a_lifetime_that_is_refunded_ends(staff: Person) -> None:
    shop = Shop.open()
    refund(shop.unlock(Term.LIFETIME).purchase_id, staff)
    assert not right_of(shop.viewer.pk, shop.video.pk).is_live()


def test_the_limits(staff: Person) -> None:
    shop = Shop.open()
    bought = shop.unlock(Term.LIFETIME)
    with pytest.raises(CannotRefund):
        refund(bought.purchase_id, staff, MovedClock(timedelta(days=31)))
    with pytest.raises(Unacceptable) as refused:
        refund(bought.purchase_id, staff, reason=" ")
    assert refused.value.field() == "reason"
    with pytest.raises(NoSuchPurchase):
        refund(0, staff)
    # What the creator was paid already cannot be taken back from them.
    earnings = books.account(Kind.EARNINGS, shop.video.channel_id)
    left = (debit(earnings, 180), credit(books.account(Kind.PAID_OUT), 180))
    books.ledger().post(Transfer(f"test:{bought.transfer_id}", left))
    with pytest.raises(CannotRefund) as refused_too:
        refund(bought.purchase_id, staff)
    assert "paid out already" in refused_too.value.sentence()
    assert shop.points() == 800
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_a_running_playback_goes_on_past_the_end_and_no_new_one_begins() -> None:
    shop = Shop.open()
    bought = shop.unlock(Term.DAY)
    assert bought.expires_at is not None
    began = bought.expires_at - timedelta(minutes=1)
    late = right_of(shop.viewer.pk, shop.video.pk, MovedClock(timedelta(days=1, hours=1)))
    assert not late.is_live()
    assert late.is_live(playing_since=began)
    assert not late.is_live(playing_since=bought.expires_at)
    much_later = right_of(shop.viewer.pk, shop.video.pk, MovedClock(timedelta(days=365)))
    assert not much_later.is_live(playing_since=began)
