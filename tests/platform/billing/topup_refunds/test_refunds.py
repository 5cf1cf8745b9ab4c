"""Money that bought no points goes back: to who paid or to an address that they hold, once, whatever breaks on the way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from mutoscope.engines.solana.outbox.telling import tell_due
from mutoscope.engines.solana.public import GoesBack, accept_late
from mutoscope.engines.solana.signer import dispatch
from mutoscope.engines.solana.signer.models import SignerJob
from mutoscope.engines.solana.signer.outbox import tell_jobs
from mutoscope.engines.solana.signer.requests import request_refund
from mutoscope.platform.billing.clock import MovedClock
from mutoscope.platform.billing.failures import CannotSendBack, NoSuchTopUp, NotProven, RequestKeyReused, Unacceptable
from mutoscope.platform.billing.models import RefundAddress, TopUpRefund
from mutoscope.platform.billing.reconcile.service import Reconcile, ReconcileInputs, find
from mutoscope.platform.billing.topup_refunds.address import NameRefundAddress, NameRefundAddressInputs
from mutoscope.platform.billing.topup_refunds.left import money_left
from mutoscope.platform.billing.topup_refunds.service import (
    AskForRefund,
    AskForRefundInputs,
    EndRefund,
    EndRefundInputs,
)
from mutoscope.platform.billing.topup_refunds.shown import shown
from tests.people import make_person
from tests.platform.billing.topup_refunds.counter import OWN, OWN_ADDRESS, Counter, open_counter

pytestmark = pytest.mark.django_db

State = TopUpRefund.State


class Killed(BaseException):
    """Stands for kill -9 of the signer; the real one is in the signer's own tests."""


def names() -> set[str]:
    return {finding.name for finding in find()}


def left(counter: Counter, top_up: Any) -> list[int]:
    return [each.amount for each in money_left(top_up)]


def test_what_came_too_much_goes_back_to_the_wallet_that_paid(counter: Counter) -> None:
    before = names()
    top_up = counter.overpaid(7_500_000)
    has = counter.payer_has()
    (refund,) = counter.ask(top_up)
    assert shown(refund).words == "Asked for: somebody of the staff looks at it."
    assert not SignerJob.objects.filter(kind="refund").exists(), "nothing is asked of the signer before it is approved"
    counter.approve(refund)
    assert names() == before
    counter.settle(refund)
    assert (refund.state, refund.amount) == (State.PAID, 2_500_000)
    assert refund.signature == counter.job(refund).signature
    assert shown(refund).link.endswith(refund.signature)
    assert counter.payer_has() == has + 2_500_000
    assert (counter.till.points(), left(counter, top_up)) == (550, [])
    assert names() == before
    assert Reconcile().call(ReconcileInputs(is_kept=False)).findings == tuple(find()), "the chain agrees"


def test_paid_twice_late_and_in_part_each_come_back_whole(counter: Counter) -> None:
    has = counter.payer_has()
    twice = counter.overpaid(5_000_000)
    counter.till.pay(twice, 5_000_000)
    late = counter.till.buy(key="order-number-2")
    counter.till.end(late)
    counter.till.pay(late, 5_000_000)
    part = counter.till.buy(key="order-number-3")
    counter.till.pay(part, 1_000_000)
    assert left(counter, part) == [], "it can still be paid"
    counter.till.end(part)
    for top_up in (twice, late, part):
        for refund in counter.ask(top_up):
            counter.approve(refund)
            counter.settle(refund)
            assert refund.state == State.PAID, refund.trouble
        assert left(counter, top_up) == []
    assert counter.payer_has() == has - 5_000_000
    assert counter.till.points() == 550


def test_an_address_that_its_holder_proved_gets_it_instead(counter: Counter) -> None:
    top_up = counter.overpaid()
    has = counter.payer_has()
    (refund,) = counter.ask_elsewhere(top_up)
    counter.approve(refund)
    counter.settle(refund)
    assert (refund.state, shown(refund).address) == (State.PAID, OWN_ADDRESS)
    assert counter.house.tokens(OWN_ADDRESS) == 2_500_000
    assert counter.payer_has() == has


def test_where_the_signer_lets_nothing_go_elsewhere_it_is_voided_and_can_be_asked_again(tmp_path: Path) -> None:
    with open_counter(tmp_path, refund_elsewhere=False) as counter:
        top_up = counter.overpaid()
        (refund,) = counter.ask_elsewhere(top_up)
        counter.approve(refund)
        counter.settle(refund)
        assert refund.state == State.VOIDED
        assert "did not pay" in shown(refund).words
        has = counter.payer_has()
        (again,) = counter.ask(top_up, "b")
        counter.approve(again)
        counter.settle(again)
        assert (again.state, counter.payer_has()) == (State.PAID, has + 2_500_000)


def test_a_signer_killed_before_and_after_broadcast_sends_it_once(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise Killed

    has = counter.payer_has() - 7_500_000
    (refund,) = counter.ask(counter.overpaid())
    counter.approve(refund)
    with monkeypatch.context() as patched:
        patched.setattr(dispatch, "broadcast", die)
        with pytest.raises(Killed):
            counter.house.signer.tick()
    counter.restart_signer()
    chain = counter.house.signer.chains[0]
    real = chain.send

    def send_and_die(wire: bytes) -> None:
        real(wire)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(chain, "send", send_and_die)
        counter.house.hurry()
        with pytest.raises(Killed):
            counter.house.signer.tick()
    counter.restart_signer()
    counter.settle(refund)
    assert (refund.state, counter.payer_has()) == (State.PAID, has + 2_500_000)


def test_news_told_twice_ends_it_once(counter: Counter) -> None:
    (refund,) = counter.ask(counter.overpaid())
    counter.approve(refund)
    counter.settle(refund)
    ended = refund.ended_at
    with connection.cursor() as cursor:
        cursor.execute("UPDATE solana_signer_event SET delivered_at = NULL")
    tell_jobs()
    refund.refresh_from_db()
    assert (refund.state, refund.ended_at) == (State.PAID, ended)


def test_what_the_signer_gives_up_says_why_and_can_be_asked_again(counter: Counter) -> None:
    top_up = counter.overpaid()
    (refund,) = counter.ask(top_up)
    counter.approve(refund)
    SignerJob.objects.filter(pk=counter.job(refund).pk).update(attempts=counter.house.configuration.attempts_max)
    counter.settle(refund)
    assert refund.state == State.FAILED
    assert "Given up" in shown(refund).words
    assert shown(refund).signature == ""
    assert left(counter, top_up) == [2_500_000]
    (again,) = counter.ask(top_up, "b")
    counter.approve(again)
    counter.settle(again)
    assert again.state == State.PAID


def test_the_same_request_again_is_the_same_and_another_waits_its_turn(counter: Counter) -> None:
    top_up = counter.overpaid()
    (refund,) = counter.ask(top_up)
    assert [each.pk for each in counter.ask(top_up)] == [refund.pk]
    with pytest.raises(CannotSendBack, match="asked for already"):
        counter.ask(top_up, "b")
    with pytest.raises(RequestKeyReused):
        counter.ask(top_up, nonce="of another address", signature="1")
    EndRefund().call(EndRefundInputs(refund.pk, State.CANCELLED))
    assert len(counter.ask(top_up, "b")) == 1


def test_staff_decide_with_a_reason_once_and_never_about_their_own(counter: Counter) -> None:
    (refund,) = counter.ask(counter.overpaid())
    with pytest.raises(Unacceptable):
        counter.approve(refund, reason="  ")
    with pytest.raises(CannotSendBack, match="your own"):
        counter.approve(refund, staff=counter.till.viewer)
    with pytest.raises(Unacceptable):
        EndRefund().call(EndRefundInputs(refund.pk, State.REFUSED, " ", staff_id=counter.staff.pk))
    counter.approve(refund)
    with pytest.raises(CannotSendBack, match="approved"):
        counter.approve(refund)
    for outcome in (State.REFUSED, State.CANCELLED):
        with pytest.raises(CannotSendBack):
            EndRefund().call(EndRefundInputs(refund.pk, outcome, "changed my mind", staff_id=counter.staff.pk))
    refund.refresh_from_db()
    assert (refund.decided_by, refund.reason) == (counter.staff, "they sent too much")
    assert SignerJob.objects.filter(kind="refund").count() == 1


def test_late_money_is_credited_or_sent_back_and_never_both(counter: Counter) -> None:
    credited = counter.late()
    (refund,) = counter.ask(credited)
    accept_late(counter.till.payment(credited))
    tell_due()
    assert counter.till.points() == 550
    with pytest.raises(CannotSendBack, match="not left any more"):
        counter.approve(refund)
    EndRefund().call(EndRefundInputs(refund.pk, State.REFUSED, "it was credited", staff_id=counter.staff.pk))
    with pytest.raises(CannotSendBack, match="nothing to send back"):
        counter.ask(credited, "b")

    back = counter.till.buy(key="order-number-2")
    counter.till.end(back)
    counter.till.pay(back, 5_000_000)
    (second,) = counter.ask(back)
    counter.approve(second)
    with pytest.raises(GoesBack):
        accept_late(counter.till.payment(back))
    counter.settle(second)
    with pytest.raises(GoesBack):
        accept_late(counter.till.payment(back))
    assert counter.till.points() == 550


def test_a_top_up_is_asked_back_by_whoever_paid_it_alone(counter: Counter) -> None:
    top_up = counter.overpaid()
    eve = make_person("eve")
    with pytest.raises(NoSuchTopUp):
        AskForRefund().call(AskForRefundInputs(eve.pk, top_up.public_id, "a"))
    with pytest.raises(NoSuchTopUp):
        NameRefundAddress().call(NameRefundAddressInputs(eve.pk, top_up.public_id, OWN_ADDRESS))


def test_an_address_is_proven_by_its_holder_in_time_once_and_for_this_top_up(counter: Counter, settings: Any) -> None:
    top_up = counter.overpaid()
    other = counter.till.buy(key="order-number-2")
    counter.till.pay(other, 6_000_000)
    viewer = counter.till.viewer.pk

    def name(public_id: str) -> RefundAddress:
        return NameRefundAddress().call(NameRefundAddressInputs(viewer, public_id, OWN_ADDRESS)).named

    named = name(top_up.public_id)
    signature = str(OWN.sign_message(named.message.encode()))
    stranger = Keypair.from_seed(b"somebody who has another wallet.")
    for wrong in ("", "0" * 88, str(stranger.sign_message(named.message.encode())), str(OWN.sign_message(b"else"))):
        with pytest.raises(NotProven):
            counter.ask(top_up, nonce=named.nonce, signature=wrong)
    with pytest.raises(NotProven, match="not made for this top-up"):
        counter.ask(other, nonce=named.nonce, signature=signature)
    asked = AskForRefundInputs(viewer, top_up.public_id, "a", named.nonce, signature)
    with pytest.raises(NotProven, match="too old"):
        AskForRefund(MovedClock(timedelta(minutes=11))).call(asked)
    (refund,) = counter.ask(top_up, nonce=named.nonce, signature=signature)
    EndRefund().call(EndRefundInputs(refund.pk, State.CANCELLED))
    with pytest.raises(NotProven, match="used before"):
        counter.ask(top_up, "b", nonce=named.nonce, signature=signature)
    settings.REFUND_ELSEWHERE = False
    with pytest.raises(CannotSendBack):
        name(top_up.public_id)


@pytest.mark.parametrize("typed", ["", "not an address", "11111111111111111111111111111112", f"{OWN_ADDRESS}11"])
def test_what_is_no_wallet_is_refused_by_its_field(counter: Counter, typed: str) -> None:
    top_up = counter.overpaid()
    if typed == "11111111111111111111111111111112":
        typed = str(Pubkey.find_program_address([b"nobody"], Pubkey.from_string(OWN_ADDRESS))[0])
    with pytest.raises(Unacceptable) as refused:
        NameRefundAddress().call(NameRefundAddressInputs(counter.till.viewer.pk, top_up.public_id, typed))
    assert refused.value.field() == "address"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("UPDATE billing_topuprefund SET amount = amount + 1", "top_up_refund_differs"),
        ("UPDATE billing_topuprefund SET signature = 'another'", "top_up_refund_differs"),
        ("UPDATE billing_topuprefund SET state = 'failed'", "top_up_refund_differs"),
        (
            "UPDATE billing_topuprefund SET state = 'requested', progress = '', decided_by_id = NULL, ended_at = NULL",
            "job_without_top_up_refund",
        ),
    ],
)
def test_each_difference_is_found_by_its_name(counter: Counter, fault: str, expected: str) -> None:
    before = names()
    (refund,) = counter.ask(counter.overpaid())
    counter.approve(refund)
    counter.settle(refund)
    assert names() == before
    with connection.cursor() as cursor:
        cursor.execute(fault)
    assert names() - before == {expected}


def test_a_refund_that_was_asked_for_past_the_books_is_found(counter: Counter) -> None:
    before = names()
    (refund,) = counter.ask(counter.overpaid())
    asked = {"receipt": refund.receipt, "receiver": refund.receiver, "mint": refund.mint}
    request_refund("by-hand", amount=refund.amount, **asked)
    assert names() - before == {"job_without_top_up_refund"}
    request_refund("once-more", amount=1, **asked)
    assert names() - before == {"job_without_top_up_refund", "refunded_and_credited"}
    with pytest.raises(CannotSendBack, match="not left any more"):
        counter.approve(refund)
