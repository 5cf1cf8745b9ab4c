"""Payouts: the rules, the hold, the ends; each once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from solders.signature import Signature

from mutoscope.engines.services import Socket
from mutoscope.platform.billing.clock import Clock, MovedClock
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.failures import CannotPayOut, Unacceptable
from mutoscope.platform.billing.models import Payout, Purchase
from mutoscope.platform.billing.payouts.available import earnings_of
from mutoscope.platform.billing.payouts.ports import PaidByHand, pays_creators
from mutoscope.platform.billing.payouts.service import (
    ApprovePayout,
    ApprovePayoutInputs,
    EndPayout,
    EndPayoutInputs,
    RequestPayout,
    RequestPayoutInputs,
)
from mutoscope.platform.billing.payouts.shown import amount_shown, shown
from mutoscope.platform.billing.refunds.service import RefundPurchase, RefundPurchaseInputs
from tests.people import PASSWORD, make_person
from tests.platform.billing.paying import paid_by, paid_by_hand
from tests.platform.billing.shop import Shop, give
from tests.platform.billing.wallet.sent import sent

pytestmark = pytest.mark.django_db

LATER = MovedClock(timedelta(days=8))


@pytest.fixture(autouse=True)
def small_rules(settings: Any) -> Iterator[None]:
    settings.PAYOUT_POINTS_MIN, settings.PAYOUT_DELAY_DAYS, settings.PAYOUT_APPROVAL_POINTS = 50, 7, 150
    with paid_by_hand():
        yield


def ask(shop: Shop, points: object = 100, key: str = "a", clock: Clock = LATER, **rest: bool) -> Payout:
    asked = RequestPayoutInputs(shop.creator.pk, points, key, **{"has_second_factor": True, **rest})
    return RequestPayout(clock).call(asked).payout


@pytest.fixture
def shop() -> Shop:
    opened = Shop.open()
    opened.unlock(Term.LIFETIME)
    return opened


def test_what_is_recent_is_not_paid_out(shop: Shop) -> None:
    now = earnings_of(shop.video.channel_id)
    assert (now.posted, now.recent, now.available()) == (180, 180, 0)
    with pytest.raises(CannotPayOut):
        ask(shop, clock=MovedClock(timedelta(days=6)))
    assert ask(shop).state == Payout.State.APPROVED
    later = earnings_of(shop.video.channel_id, LATER)
    assert (later.held, later.available()) == (100, 80)


def test_the_rules(shop: Shop, settings: Any) -> None:
    for points in (49, 181):
        with pytest.raises(CannotPayOut):
            ask(shop, points)
    for bad in (0, -1, "1.5", True):
        with pytest.raises(Unacceptable) as refused:
            ask(shop, bad)
        assert refused.value.field() == "points"
    with pytest.raises(CannotPayOut) as second_factor:
        ask(shop, has_second_factor=False)
    assert "two-step" in second_factor.value.sentence()
    with pytest.raises(CannotPayOut):
        RequestPayout(LATER).call(RequestPayoutInputs(make_person("petra").pk, 100, "a", True))
    assert not Payout.objects.exists()
    assert earnings_of(shop.video.channel_id).held == 0


def test_the_same_request_twice_is_one_payout_and_there_is_one_at_a_time(shop: Shop) -> None:
    first = ask(shop)
    assert ask(shop).pk == first.pk
    with pytest.raises(Unacceptable):
        ask(shop, 120)
    with pytest.raises(CannotPayOut):
        ask(shop, 60, key="b")
    assert earnings_of(shop.video.channel_id).held == 100


def test_paid_posts_the_hold_once(shop: Shop) -> None:
    payout = ask(shop)
    for _ in range(2):
        EndPayout().call(EndPayoutInputs(payout.pk, Payout.State.PAID, reference="signature"))
    after = earnings_of(shop.video.channel_id, LATER)
    assert (after.posted, after.held) == (80, 0)
    with pytest.raises(CannotPayOut):
        EndPayout().call(EndPayoutInputs(payout.pk, Payout.State.FAILED))


def test_failed_brings_the_points_back_and_numbers_have_no_gaps(shop: Shop) -> None:
    first = ask(shop)
    EndPayout().call(EndPayoutInputs(first.pk, Payout.State.FAILED, reason="The address is closed."))
    assert earnings_of(shop.video.channel_id, LATER).available() == 180
    with pytest.raises(CannotPayOut):
        ask(shop, 1000, key="too much")
    assert [first.number, ask(shop, key="b").number] == [1, 2]


def test_above_a_sum_somebody_approves(shop: Shop) -> None:
    staff = make_person("stan", is_staff=True)
    payout = ask(shop, 160)
    assert payout.state == Payout.State.WAITING
    with pytest.raises(CannotPayOut):
        EndPayout().call(EndPayoutInputs(payout.pk, Payout.State.PAID))
    ApprovePayout().call(ApprovePayoutInputs(payout.pk, staff.pk, "They are known."))
    with pytest.raises(CannotPayOut):
        ApprovePayout().call(ApprovePayoutInputs(payout.pk, staff.pk, "They are known."))
    with pytest.raises(CannotPayOut):
        EndPayout().call(EndPayoutInputs(payout.pk, Payout.State.CANCELLED))


def test_nobody_decides_about_their_own_payout(shop: Shop) -> None:
    payout = ask(shop, 160)
    with pytest.raises(CannotPayOut, match="your own payout: somebody else has to approve it"):
        ApprovePayout().call(ApprovePayoutInputs(payout.pk, shop.creator.pk, "Why not?"))
    with pytest.raises(CannotPayOut, match="your own payout"):
        EndPayout().call(EndPayoutInputs(payout.pk, Payout.State.REFUSED, by_id=shop.creator.pk))
    stan = make_person("stan", is_staff=True)
    ApprovePayout().call(ApprovePayoutInputs(payout.pk, stan.pk, "They are known."))
    for outcome in (Payout.State.PAID, Payout.State.FAILED):
        with pytest.raises(CannotPayOut, match="your own payout"):
            EndPayout().call(EndPayoutInputs(payout.pk, outcome, by_id=shop.creator.pk))
    assert earnings_of(shop.video.channel_id, LATER).held == 160


def test_no_rate_is_asked_for_a_payout_that_is_not_approved(shop: Shop) -> None:
    class NoRates(PaidByHand):
        def quote(self, points: int) -> None:
            raise AssertionError("a rate was asked for")

    waits = ask(shop, 160)
    staff = make_person("stan", is_staff=True)
    with paid_by(NoRates()):
        for reason in ("", " "):
            with pytest.raises(Unacceptable) as refused:
                ApprovePayout().call(ApprovePayoutInputs(waits.pk, staff.pk, reason))
            assert refused.value.field() == "reason"


@pytest.mark.parametrize("outcome", [Payout.State.PAID, Payout.State.REFUSED])
def test_staff_end_no_payout_without_a_reason(shop: Shop, outcome: Payout.State) -> None:
    payout = ask(shop, 100 if outcome == Payout.State.PAID else 160)
    with pytest.raises(Unacceptable) as refused:
        EndPayout().call(EndPayoutInputs(payout.pk, outcome, " ", "ACME 1", make_person("stan").pk))
    assert refused.value.field() == "reason"
    assert earnings_of(shop.video.channel_id, LATER).held == payout.points


SIGNATURE = str(Signature(bytes(range(64, 128))))


@pytest.mark.parametrize("typed", ["", "  ", "ab", "---", "x" * 121, "two\x00words", SIGNATURE[:-3], SIGNATURE + "222"])
def test_of_a_payment_by_hand_staff_say_which_it_was(shop: Shop, typed: str) -> None:
    payout = ask(shop)
    with pytest.raises(Unacceptable) as refused:
        EndPayout().call(EndPayoutInputs(payout.pk, Payout.State.PAID, "By the bank.", typed, make_person("stan").pk))
    assert refused.value.field() == "reference"
    payout.refresh_from_db()
    assert (payout.state, payout.reference) == (Payout.State.APPROVED, "")
    assert earnings_of(shop.video.channel_id, LATER).held == 100


def test_a_reference_in_words_is_shown_to_the_creator_and_in_every_export(shop: Shop, client: Client) -> None:
    payout = ask(shop)
    EndPayout().call(
        EndPayoutInputs(payout.pk, Payout.State.PAID, "Today.", "=1+1 by the bank", make_person("stan").pk)
    )
    client.force_login(shop.creator)
    page = client.get("/studio/earnings/").content.decode()
    assert (page.count("By hand: =1+1 by the bank"), page.count(">=1+1 by the bank<")) == (1, 1)
    told = client.get("/api/billing/payouts").json()["payouts"][0]
    assert (told["reference"], told["signature"]) == ("=1+1 by the bank", None)
    assert json.loads(sent(client, "/studio/earnings/statement.json"))["lines"][0]["reference"] == "=1+1 by the bank"
    # In a file for spreadsheets it is no formula.
    assert (
        sent(client, "/studio/earnings/statement.csv").splitlines()[1].endswith(",Payout 1,-100,80,'=1+1 by the bank")
    )
    assert client.get("/api/billing/earnings/statement").json()["lines"][0]["reference"] == "=1+1 by the bank"


def test_a_signature_leads_to_its_transaction_and_pays_a_channel_once(shop: Shop, client: Client) -> None:
    staff = make_person("stan")
    first = ask(shop, 50)
    EndPayout().call(EndPayoutInputs(first.pk, Payout.State.PAID, "Today.", f" {SIGNATURE} ", staff.pk))
    second = ask(shop, 50, key="b")
    with pytest.raises(Unacceptable, match="payout 1 was paid already"):
        EndPayout().call(EndPayoutInputs(second.pk, Payout.State.PAID, "Today.", SIGNATURE, staff.pk))
    EndPayout().call(EndPayoutInputs(second.pk, Payout.State.PAID, "Today.", "the same in words", staff.pk))
    client.force_login(shop.creator)
    newer, older = client.get("/api/billing/payouts").json()["payouts"]
    assert (older["signature"], older["reference"], newer["signature"]) == (SIGNATURE, None, None)
    assert f'title="{SIGNATURE}"' in client.get("/studio/earnings/").content.decode()


def test_through_the_pages(shop: Shop, client: Client, settings: Any) -> None:
    settings.PAYOUT_DELAY_DAYS = 0
    shop.creator.set_password(PASSWORD)
    shop.creator.save()
    EmailAddress.objects.create(user=shop.creator, email=shop.creator.email, verified=True, primary=True)
    client.post("/account/login/", {"login": "ada", "password": PASSWORD})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    page = client.get("/studio/earnings/")
    assert page.context["earned"].available() == 180
    key = page.context["request_key"]
    assert client.post("/studio/earnings/payouts/", {"points": "10", "request_key": key}).status_code == 422
    for _ in range(2):
        answer = client.post("/studio/earnings/payouts/", {"points": "160", "request_key": key})
        assert (answer.status_code, answer["Location"]) == (302, "/studio/earnings/")
    assert "waits for approval" in client.get("/studio/earnings/").content.decode()
    client.post("/studio/earnings/payouts/1/cancel/")
    assert Payout.objects.get().state == Payout.State.CANCELLED
    answer = client.post("/studio/earnings/payouts/", {"points": "100", "request_key": "by hand"}, follow=True)
    assert "Payout 2 of 100 points. Approved: the operator pays it by hand." in answer.content.decode()
    lines = json.loads(sent(client, "/studio/earnings/statement.json"))["lines"]
    assert [(line["points"], line["balance"]) for line in lines] == [(180, 180)]
    assert sent(client, "/studio/earnings/statement.csv").startswith("number,at,what,points,balance,reference\n")


def test_in_production_a_payout_needs_a_second_factor(shop: Shop, client: Client, settings: Any) -> None:
    settings.SANDBOX = False
    client.force_login(shop.creator)
    assert "two-step sign-in" in client.get("/studio/earnings/").content.decode()


def test_over_the_api_too_a_payout_needs_a_fresh_sign_in(shop: Shop, client: Client, settings: Any) -> None:
    settings.PAYOUT_DELAY_DAYS = 0
    shop.creator.set_password(PASSWORD)
    shop.creator.save()
    client.force_login(shop.creator)
    asked = ("/api/billing/payouts", {"points": 100}, "application/json")
    answer = client.post(*asked, headers={"Idempotency-Key": "a"})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/sign-in-once-more")
    assert not Payout.objects.exists()
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    assert client.post(*asked, headers={"Idempotency-Key": "a"}).status_code == 200
    assert Payout.objects.get().points == 100


def sell(shop: Shop, name: str, clock: Clock = LATER) -> Purchase:
    """One more sale, of 180 points for the creator: recent when looked at from LATER."""
    viewer = make_person(name)
    give(viewer, 200)
    bought = shop.unlock(Term.LIFETIME, viewer=viewer, clock=clock)
    return Purchase.objects.get(pk=bought.purchase_id)


def refund(purchase: Purchase) -> None:
    RefundPurchase().call(RefundPurchaseInputs(purchase.pk, make_person(f"staff-{purchase.pk}").pk, "Asked for."))


@dataclass
class ClockThatLetsSomethingHappen:
    """What happens here happens while what is available is looked at."""

    happens: Callable[[], None] | None

    def ahead(self) -> timedelta:
        happens, self.happens = self.happens, None
        if happens is not None:
            happens()
        return LATER.ahead()


def test_a_refund_while_it_is_looked_at_makes_nothing_recent_available(shop: Shop) -> None:
    sell(shop, "olga")
    taken_back = sell(shop, "paul")
    earned = earnings_of(shop.video.channel_id, ClockThatLetsSomethingHappen(lambda: refund(taken_back)))
    assert (earned.posted, earned.recent, earned.available()) == (360, 180, 180)


class RefundsBeforeTheHold(PaidByHand):
    def __init__(self, purchase: Purchase) -> None:
        self.purchase = purchase

    def needs_address(self) -> bool:
        """Asked between the look at what is available and the hold."""
        self.purchase.refresh_from_db()
        if self.purchase.refunded_at is None:
            refund(self.purchase)
        return False


@pytest.mark.parametrize("others", [(), ("olga",)])
def test_a_refund_before_the_hold_refuses_the_payout_whether_or_not_there_are_recent_points(
    shop: Shop, others: tuple[str, ...]
) -> None:
    for name in others:
        sell(shop, name)
    with paid_by(RefundsBeforeTheHold(Purchase.objects.get(viewer=shop.viewer))), pytest.raises(CannotPayOut) as less:
        ask(shop, 180)
    assert "less now" in less.value.sentence()
    assert not Payout.objects.exists()
    assert earnings_of(shop.video.channel_id, LATER).held == 0


def test_who_pays_is_plugged_into_the_engines_own_socket() -> None:
    before = pays_creators.get()
    with pays_creators.bound(PaidByHand()):
        assert pays_creators.get() is not before
    assert (type(pays_creators), pays_creators.get()) == (Socket, before)


def test_what_went_without_approval_within_a_day_counts_along(shop: Shop, client: Client) -> None:
    """The threshold is 150: two payouts one after the other go no further than one."""
    staff = make_person("stan", is_staff=True)
    first = ask(shop, 100)
    assert first.state == Payout.State.APPROVED
    EndPayout().call(EndPayoutInputs(first.pk, Payout.State.FAILED))
    # What failed went nowhere.
    first = ask(shop, 100, "b")
    assert first.state == Payout.State.APPROVED
    EndPayout().call(EndPayoutInputs(first.pk, Payout.State.PAID))
    client.force_login(shop.creator)
    Purchase.objects.update(bought_at=LATER.ahead() * -1 + first.asked_at)
    page: Any = client.get("/studio/earnings/")
    assert page.context["left_at_once"] == 50
    assert (
        "Above 50 points somebody of the staff approves it first: 150 within 24 hours need nobody, and you asked for the rest of them already."
        in page.content.decode()
    )
    second = ask(shop, 60, "c")
    assert second.state == Payout.State.WAITING
    assert (
        "More than 150 points within 24 hours are approved first." in client.get("/studio/earnings/").content.decode()
    )
    # Somebody looked at this one: it takes nothing of what goes without.
    ApprovePayout().call(ApprovePayoutInputs(second.pk, staff.pk, "known"))
    EndPayout().call(EndPayoutInputs(second.pk, Payout.State.FAILED))
    fits = ask(shop, 50, "d")
    assert fits.state == Payout.State.APPROVED
    EndPayout().call(EndPayoutInputs(fits.pk, Payout.State.FAILED))
    # A day later.
    Payout.objects.filter(pk=first.pk).update(asked_at=first.asked_at - timedelta(hours=24, seconds=1))
    assert ask(shop, 80, "e").state == Payout.State.APPROVED


def test_an_amount_beside_points_has_its_thousands_apart_as_they_have() -> None:
    assert amount_shown(1_112_910_000, "USDC", 6) == "1,112.91 USDC"
    assert amount_shown(1_112, "PLAIN", 0) == "1,112 PLAIN"
    assert amount_shown(1, "SOL", 9) == "0.000000001 SOL"


def test_above_zero_every_payout_waits(shop: Shop, settings: Any) -> None:
    settings.PAYOUT_APPROVAL_POINTS = 0
    assert shown(ask(shop)).words == "Requested: waits for approval by the staff. Every payout is approved first."
