"""A token that the site does not accept has an end too: sent back by the signer, or by hand with a transaction that the chain knows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from solders.pubkey import Pubkey

from mutoscope.engines.solana.chain import TEST_FEE_TOKEN, TEST_USDC
from mutoscope.engines.solana.models import StraySearch
from mutoscope.engines.solana.signer.requests import request_refund
from mutoscope.platform.billing.failures import CannotSendBack, Unacceptable
from mutoscope.platform.billing.models import TopUp, TopUpRefund
from mutoscope.platform.billing.topup.standing import newest_top_ups
from mutoscope.platform.billing.topup_refunds.by_hand import RecordReturn, RecordReturnInputs
from mutoscope.platform.billing.topup_refunds.left import money_left
from mutoscope.platform.billing.topup_refunds.shown import shown
from tests.engines.solana.payments.shop import FEE
from tests.platform.billing.books import all_is_well, differences
from tests.platform.billing.topup_refunds.counter import OWN, Counter, listed, open_counter
from tests.platform.billing.topup_refunds.test_endpoints import decide, signed_in, text
from tests.platform.billing.topup_refunds.test_endpoints import operator as operator
from tests.platform.billing.topup_refunds.test_endpoints import viewer as viewer

pytestmark = pytest.mark.django_db

State = TopUpRefund.State
SENT, CAME = 4_000_000, 3_960_000  # the mint takes one per cent
SHORT = f"{FEE[:4]}…{FEE[-4:]}"


@pytest.fixture
def counter(db: None, tmp_path: Path) -> Iterator[Counter]:
    """Whose signer lists SOL and USDC, and lets what it does not list go back."""
    with open_counter(tmp_path, token=listed(), refund_unlisted=True) as opened:
        yield opened


@pytest.fixture
def strict(db: None, tmp_path: Path) -> Iterator[Counter]:
    """Whose signer lets nothing go that it does not list."""
    with open_counter(tmp_path, token=listed()) as opened:
        yield opened


def stray(counter: Counter, *, is_over: bool = True, key: str = "order-number-1") -> TopUp:
    """A top-up to which somebody sent a token that nobody asked for."""
    top_up = counter.till.buy(key=key)
    shop = counter.till.shop
    shop.chain.give(shop.payer.pubkey(), SENT, TEST_FEE_TOKEN)
    to = Pubkey.from_string(counter.till.payment(top_up).recipient)
    shop.send(shop.transfer(to, SENT, TEST_FEE_TOKEN))
    if is_over:
        counter.till.end(top_up)
    StraySearch.objects.update(due_at=timezone.now())
    counter.till.settle()
    return top_up


def send_by_hand(counter: Counter, amount: int = CAME, to: Pubkey | None = None) -> str:
    """The operator's own wallet sends it; final."""
    shop = counter.till.shop
    wallet = shop.person()
    shop.chain.give(wallet.pubkey(), amount, TEST_FEE_TOKEN)
    sent = shop.send(shop.transfer(to or shop.payer.pubkey(), amount, TEST_FEE_TOKEN, sender=wallet), payer=wallet)
    shop.chain.finalize()
    return str(sent)


def record(counter: Counter, refund: TopUpRefund, signature: str, reason: str = "sent from our treasury") -> None:
    RecordReturn().call(RecordReturnInputs(refund.pk, counter.staff.pk, reason, signature))
    refund.refresh_from_db()


def test_the_viewer_sees_it_asks_for_it_and_has_it_back(counter: Counter, viewer: Client, operator: Client) -> None:
    top_up = stray(counter)
    here = f"/wallet/top-ups/{top_up.public_id}/"
    page = text(viewer, here)
    assert "Another token arrived than USDC." in page
    assert f"Get 3.96 {SHORT} back" in page
    assert "Another token came: refundable" in text(viewer, "/wallet/")
    assert FEE in text(viewer, f"{here}refund/")
    viewer.post(f"{here}refund/", {"to": "payer", "key": "a"})
    refund = TopUpRefund.objects.get()
    assert "approved" in decide(operator, refund, "approve", "not a token that we take")
    counter.settle(refund)
    assert (refund.state, refund.trouble) == (State.PAID, "")
    payer = str(counter.till.shop.payer.pubkey())
    assert counter.house.tokens(payer, TEST_FEE_TOKEN) == CAME * 99 // 100
    assert money_left(top_up) == []
    assert refund.signature in text(viewer, here)
    assert all_is_well()


def test_while_it_can_still_be_paid_the_page_says_what_comes_next(counter: Counter, viewer: Client) -> None:
    top_up = stray(counter, is_over=False)
    page = text(viewer, f"/wallet/top-ups/{top_up.public_id}/")
    assert "you can ask for it here when the time to pay is over" in page
    assert "You can still pay in USDC below." in page
    assert [entry.words for entry in newest_top_ups(counter.till.viewer.pk)] == ["Another token came"]


def test_it_goes_to_a_proven_address_that_has_an_account_for_it(counter: Counter) -> None:
    counter.till.shop.chain.give(OWN.pubkey(), 1, TEST_FEE_TOKEN)
    (refund,) = counter.ask_elsewhere(stray(counter))
    counter.approve(refund)
    counter.settle(refund)
    assert (refund.state, refund.trouble) == (State.PAID, "")


def test_what_the_signer_may_not_send_is_recorded_when_it_was_sent_by_hand(strict: Counter, operator: Client) -> None:
    before = differences()
    top_up = stray(strict)
    (refund,) = strict.ask(top_up)
    strict.approve(refund)
    strict.settle(refund)
    assert refund.state == State.VOIDED
    assert "not in the signer's configuration" in shown(refund).words
    signature = send_by_hand(strict)
    asked = {"action": "was_sent_by_hand", "_selected_action": [refund.pk], "reason": "by hand", "signature": signature}
    page = operator.post("/operator/billing/topuprefund/", asked, follow=True).content.decode()
    assert "recorded as sent back" in page
    refund.refresh_from_db()
    assert (refund.state, refund.progress, refund.signature) == (State.PAID, "by_hand", signature)
    page = text(signed_in(strict.till.viewer), f"/wallet/top-ups/{top_up.public_id}/")
    assert "Sent back by hand" in page
    assert signature in page
    assert money_left(top_up) == []
    with pytest.raises(CannotSendBack, match="nothing to send back"):
        strict.ask(top_up, "again")
    assert differences() == before


def test_without_a_transaction_that_really_sent_it_nothing_is_recorded(strict: Counter) -> None:
    (refund,) = strict.ask(stray(strict))
    astray = send_by_hand(strict, to=OWN.pubkey())
    for signature in (send_by_hand(strict, CAME - 1), astray, "1" * 64, refund.receipt, "nonsense"):
        with pytest.raises(CannotSendBack, match="Not recorded"):
            record(strict, refund, signature)
    good = send_by_hand(strict)
    for signature, reason in (("", "why"), (good, " ")):
        with pytest.raises(Unacceptable):
            record(strict, refund, signature, reason)
    assert TopUpRefund.objects.get().state == State.REQUESTED
    record(strict, refund, good)
    with pytest.raises(CannotSendBack, match="sent back"):
        record(strict, refund, good)


def test_one_transaction_by_hand_is_one_refund_and_nobody_records_their_own(strict: Counter) -> None:
    (first,), (second,) = strict.ask(stray(strict)), strict.ask(stray(strict, key="order-number-2"), "b")
    signature = send_by_hand(strict)
    with pytest.raises(CannotSendBack, match="your own"):
        RecordReturn().call(RecordReturnInputs(first.pk, strict.till.viewer.pk, "mine", signature))
    record(strict, first, signature)
    with pytest.raises(Unacceptable, match="another refund") as refused:
        record(strict, second, signature)
    assert refused.value.field() == "signature"


@pytest.mark.django_db(transaction=True)
def test_one_transaction_recorded_for_two_refunds_in_one_moment_is_the_firsts(strict: Counter) -> None:
    (first,), (second,) = strict.ask(stray(strict)), strict.ask(stray(strict, key="order-number-2"), "b")
    signature = send_by_hand(strict)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            record(strict, first, signature)
            # It does not see the first, which is not committed, and waits for it where the database would have the signature twice.
            refused = pool.submit(recorded_beside, strict, second, signature)
            until = time.monotonic() + 60
            while not one_waits_for_a_lock() and not refused.done():
                assert time.monotonic() < until, "it neither ended nor waited"
                time.sleep(0.02)
            assert not refused.done()
        problem = refused.result(60)
    assert isinstance(problem, Unacceptable)
    assert problem.field() == "signature"
    second.refresh_from_db()
    assert (second.state, second.signature) == (State.REQUESTED, "")


def recorded_beside(counter: Counter, refund: TopUpRefund, signature: str) -> Exception | None:
    """What recording it on a connection of its own raises."""
    try:
        record(counter, refund, signature)
    except Exception as problem:
        return problem
    finally:
        connection.close()
    return None


def one_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
        return bool(cursor.fetchone()[0])


def test_by_hand_is_for_tokens_that_are_not_accepted_and_not_beside_the_signer(strict: Counter) -> None:
    top_up = strict.overpaid()
    (refund,) = strict.ask(top_up)
    shop = strict.till.shop
    wallet = shop.person()
    moved = shop.transfer(shop.payer.pubkey(), 2_500_000, sender=wallet, token=TEST_USDC)
    signature = str(shop.send(moved, payer=wallet))
    shop.chain.finalize()
    with pytest.raises(CannotSendBack, match="approve the refund instead"):
        record(strict, refund, signature)
    strict.approve(refund)
    with pytest.raises(CannotSendBack, match="approved"):
        record(strict, refund, signature)


def test_a_refund_by_hand_that_the_signer_sends_too_is_found(strict: Counter) -> None:
    before = differences()
    (refund,) = strict.ask(stray(strict))
    record(strict, refund, send_by_hand(strict))
    request_refund(refund.key(), receipt=refund.receipt, receiver=refund.receiver, amount=CAME, mint=FEE)
    found = {name for name, _ in differences() - before}
    assert found == {"top_up_refund_differs", "refunded_and_credited"}
