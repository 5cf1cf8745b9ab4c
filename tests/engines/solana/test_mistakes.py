"""Every mistake of known payment libraries that payments could repeat, tried. docs/solana.md lists them.

Those of keys, sweeps and reclaims are tried in tests/engines/solana/signer.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.dispatch import receiver

from mutoscope.engines.solana import public
from mutoscope.engines.solana.chain import TEST_USDC
from mutoscope.engines.solana.chain.faults import Fault
from mutoscope.engines.solana.conf import Endpoint
from mutoscope.engines.solana.models import Event, Transfer, WatchedAccount
from mutoscope.engines.solana.outbox import signals
from mutoscope.engines.solana.outbox.telling import tell_due
from mutoscope.engines.solana.payments.describing import describe
from mutoscope.engines.solana.payments.domain.addresses import TOKEN_PROGRAM
from mutoscope.engines.solana.payments.domain.states import Money, Status
from mutoscope.engines.solana.payments.ending import expire_due
from mutoscope.engines.solana.rpc.client import Answer, Rpc
from mutoscope.engines.solana.rpc.errors import RpcUnavailable
from mutoscope.engines.solana.rpc.limits import OwnPurse
from mutoscope.engines.solana.watcher.watcher import Watcher
from tests.engines.solana.payments.shop import SOL, USDC, Shop, open_shop

PRICE = 500_000_000
PAID = (Status.SETTLED, Money.EXACT)
WAYS = pytest.mark.parametrize("by", ["reference", "wallet"])


class OutsideTransactions(Rpc):
    """Asks nodes as ever, and refuses to do so while a transaction is open."""

    def ask(self, *arguments: Any, **options: Any) -> Answer:
        if connection.in_atomic_block:
            raise AssertionError("a node is asked while a transaction is open")
        return super().ask(*arguments, **options)


@pytest.mark.django_db(transaction=True)
def test_sweeping_inside_the_database_transaction() -> None:
    """No question to a node, whatever it may answer, stands between a lock and its commit."""
    with open_shop() as shop:
        payment = shop.offer({SOL: PRICE}, "reference")
        shop.pay(payment, PRICE)
        endpoint = Endpoint(shop.chain.url)
        rpc = OutsideTransactions([endpoint], str(shop.chain.bank.genesis_hash), purse=lambda _: OwnPurse(10**6))
        with Watcher(rpc) as watcher:
            shop.watcher, own = watcher, shop.watcher
            shop.look()
            assert shop.stands(payment) == PAID
            shop.watcher = own
            with transaction.atomic(), pytest.raises(RuntimeError, match="transaction"):
                watcher.look()
        rpc.close()


@pytest.mark.django_db(transaction=True)
@WAYS
def test_no_lock_two_verifications_two_fulfilments(by: str) -> None:
    with open_shop() as shop:
        payments = [shop.offer({SOL: PRICE}, by) for _ in range(5)]
        for payment in payments:
            shop.pay(payment, PRICE)
        shop.chain.finalize()
        barrier = threading.Barrier(4)
        errors: list[BaseException] = []

        def look() -> None:
            rpc = shop.new_rpc([shop.chain.url])
            try:
                with Watcher(rpc) as watcher:
                    barrier.wait()
                    watcher.look()
            except BaseException as error:
                errors.append(error)
            finally:
                rpc.close()
                connections.close_all()

        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        for payment in payments:
            assert shop.stands(payment) == PAID
            assert shop.receipts(payment) == [PRICE]
            assert shop.news(payment).count("settled") == 1
        fulfilled = []

        @receiver(signals.settled, weak=False)
        def fulfil(payment: Any, **_: Any) -> None:
            fulfilled.append(payment.pk)

        try:
            tell_due()
            tell_due()
        finally:
            signals.settled.disconnect(fulfil)
        assert sorted(fulfilled) == sorted(payment.pk for payment in payments)


@WAYS
@pytest.mark.django_db
def test_paid_in_time_but_checked_after_expiry(by: str) -> None:
    """On a chain whose clock is two hours behind ours: it was paid in time there, and here nobody has looked since."""
    with open_shop(time_s=time.time() - 7200) as shop:
        payment = shop.offer({SOL: PRICE}, by, expires_after_s=3600)
        shop.let_time_pass(payment, 9000)
        WatchedAccount.objects.update(since=payment.created_at)
        shop.pay(payment, PRICE)
        shop.chain.finalize()
        assert expire_due() == 0
        shop.look()
        assert Transfer.objects.get(payment=payment.pk).block_time <= payment.expires_at
        assert shop.stands(payment) == PAID


def test_nothing_expires_while_no_node_answers(shop: Shop) -> None:
    payments = [shop.offer({SOL: PRICE}, by) for by in ("reference", "wallet")]
    for payment in payments:
        shop.let_time_pass(payment)
    assert expire_due() == 0
    shop.chain.node().faults.add(Fault.BROKEN)
    rpc = shop.new_rpc([shop.chain.url], patience_s=0.5)
    with Watcher(rpc) as watcher, pytest.raises(RpcUnavailable):
        watcher.look()
    rpc.close()
    assert [shop.stands(payment)[0] for payment in payments] == [Status.WAITING] * 2
    shop.chain.node().faults.clear()
    shop.restart()
    shop.rpc.nodes[0].paused_until = 0.0
    shop.look()
    assert [shop.stands(payment)[0] for payment in payments] == [Status.EXPIRED] * 2


@WAYS
def test_accepting_because_some_signature_is_finalized(shop: Shop, by: str) -> None:
    payment = shop.offer({SOL: PRICE}, by)
    shop.pay(payment, 1_000_000)
    shop.look()
    shop.pay(payment, PRICE - 1_000_000)
    shop.chain.advance(3)
    shop.glance()
    assert shop.stands(payment) == (Status.CONFIRMED, Money.PARTIAL)
    shop.look()
    assert shop.stands(payment) == PAID


@WAYS
def test_storing_the_wrong_signature(shop: Shop, by: str) -> None:
    payment = shop.offer({SOL: PRICE}, by)
    shop.pay(payment, 1_000_000)
    right = shop.pay(payment, PRICE)
    shop.pay(payment, 2_000_000)
    shop.look()
    assert shop.stands(payment) == (Status.SETTLED, Money.OVER)
    assert payment.signature == str(right)


def test_the_rpc_key_in_the_browser(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """Nor in an event, a log line or an error."""
    canary = "canary-0123456789"
    caplog.set_level(logging.DEBUG)
    rpc = shop.new_rpc([f"{shop.chain.url}/nodes/keyed?api-key={canary}"], patience_s=0.3)
    shop.chain.node("keyed").faults.add(Fault.BROKEN, "getSlot")
    with pytest.raises(RpcUnavailable) as error:
        rpc.call("getSlot")
    rpc.close()
    payment = shop.offer({SOL: PRICE, USDC: 5})
    told = json.dumps([describe(payment, payment.prices.all()), list(Event.objects.values_list("payload", flat=True))])  # type: ignore[attr-defined]
    assert canary not in told + str(error.value) + caplog.text


def test_no_outbox_a_crash_after_commit_loses_the_fulfilment(shop: Shop) -> None:
    payment = shop.offer({SOL: PRICE})
    shop.pay(payment, PRICE)
    shop.look()
    tries: list[str] = []

    @receiver(signals.settled, weak=False)
    def fulfil(key: str, **_: Any) -> None:
        tries.append(key)
        if len(tries) == 1:
            raise OSError("the first try dies")

    try:
        tell_due()
        Event.objects.filter(due_at__isnull=False).update(due_at=payment.created_at)
        tell_due()
        tell_due()
    finally:
        signals.settled.disconnect(fulfil)
    assert tries == [f"{payment.public_id}:settled"] * 2


@pytest.mark.parametrize("decimals", [0, 1, 6, 9, 12, 19])
@pytest.mark.parametrize("text", ["1", "0.1", "0.000001", "123.456789"])
@pytest.mark.django_db
def test_new_tokens_accepted_but_never_payable_because_of_unit_rounding(
    decimals: int, text: str, settings: Any
) -> None:
    settings.MUTOSCOPE_SOLANA = {"RECEIVE_TO": USDC}
    public.token_model().objects.create(symbol="NEW", mint=USDC, program=TOKEN_PROGRAM, decimals=decimals)
    try:
        amount = public.base_units(text, decimals)
    except public.NotPayable:
        assert len(text.partition(".")[2]) > decimals or int(text.replace(".", "")) * 10**decimals >= 2**64
        return
    payment = public.create_payment({USDC: amount}, receive_by="reference")
    link = public.payment_links(payment)[USDC]
    assert f"amount={text}&" in link
    assert amount == payment.prices.get().amount  # type: ignore[attr-defined]


def test_parameters_that_overwrite_the_orders_metadata(shop: Shop) -> None:
    order = {"order": 17, "usd": 5000}
    payment = shop.offer({SOL: PRICE}, metadata=order, purpose="order:17", idempotency_key="order:17")
    again = shop.offer({SOL: PRICE}, metadata={"order": 18}, purpose="order:17", idempotency_key="order:17")
    assert again.metadata == payment.metadata == order
    with pytest.raises(TypeError):
        shop.offer({SOL: PRICE}, metadata=order, status="settled")


def test_an_orders_amount_ignored(shop: Shop) -> None:
    """What settles a payment is its own price, in the token that was paid, to the last base unit."""
    payment = shop.offer({SOL: 50_000_000_000, USDC: 5_000_000_000})
    shop.pay(payment, 100_000_000)
    shop.pay(payment, 100_000_000, TEST_USDC)
    shop.look()
    assert shop.stands(payment) == (Status.WAITING, Money.PARTIAL)
    shop.pay(payment, 49_899_999_999)
    shop.look()
    assert shop.stands(payment) == (Status.WAITING, Money.PARTIAL)
    shop.pay(payment, 1)
    shop.look()
    assert shop.stands(payment)[0] is Status.SETTLED
