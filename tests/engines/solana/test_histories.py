"""Random histories of payments, faults, rollbacks and crashes. However they go: no wrong credit, no lost receipt, and

what the chain holds is what the records say. A short programme in `make test`, 10,000 histories in `make crash`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from solders.pubkey import Pubkey

from mutoscope.engines.solana import public
from mutoscope.engines.solana.chain import TEST_USDC, Pace
from mutoscope.engines.solana.chain.faults import Fault
from mutoscope.engines.solana.conf import Endpoint
from mutoscope.engines.solana.models import Event, StraySearch, Transfer, UnmatchedReceipt, WatchedAccount
from mutoscope.engines.solana.outbox.telling import tell_due
from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.domain.deltas import Unreadable
from mutoscope.engines.solana.payments.domain.states import Price, Receipt, Status, judge
from mutoscope.engines.solana.rpc.client import Rpc
from mutoscope.engines.solana.rpc.errors import RpcError
from mutoscope.engines.solana.rpc.limits import OwnPurse
from mutoscope.engines.solana.watcher.watcher import Watcher
from tests.engines.solana.payments.shop import PLENTY, SOL, USDC, Shop, open_shop

PRICES = {SOL: 10_000_000, USDC: 3_000_000}
LIES = [Fault.BROKEN, Fault.RATE_LIMIT, Fault.WITHHOLD, Fault.STALE]
PACE = Pace(finalized_after=8, blockhash_life=20)
OFFERS_MAX = 5
METHODS = ["getMultipleAccounts", "getSignaturesForAddress", "getTransaction", "getTokenAccountsByOwner"]


class Crash(BaseException):
    """The process ends here."""


@dataclass(frozen=True)
class Sent:
    """Something the model knows was paid. `payment` is None where no payment's reference was named."""

    payment: AbstractPayment | None
    token: str
    amount: int
    slot: int
    signature: str


class Histories(RuleBasedStateMachine):
    # What the shop's settings say beside the usual.
    configured: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Sent] = []
        self.payments: list[AbstractPayment] = []
        self.closing = contextlib.ExitStack()
        # As Django's TestCase does: each history is rolled back, and the next begins with an empty database.
        outer = transaction.atomic()
        outer._from_testcase = True  # type: ignore[attr-defined]
        self.closing.enter_context(outer)
        self.closing.callback(transaction.set_rollback, True)

    @initialize()
    def open(self) -> None:
        # Without a socket: a history is half a second of work, and starting a server would be half of that.
        self.shop: Shop = self.closing.enter_context(open_shop(PACE, is_served=False, **self.configured))
        # Nobody's purse vanishes in a rollback.
        self.shop.chain.finalize()
        self.first, self.second = self.shop.chain.node("first"), self.shop.chain.node("second")
        public.token_model().objects.update(second_opinion_from=1)
        self.faulty = self._rpc(0.2, [self.first.url, self.second.url])
        self.closing.callback(self.faulty.close)
        self.watcher = Watcher(self.faulty)
        self.closing.callback(lambda: self.watcher.__exit__(None, None, None))
        self.move_in()
        for by in ("wallet", "reference"):
            self.offer(by)

    def move_in(self) -> None:
        """What else there is before the first payment."""

    def _rpc(self, patience_s: float, urls: list[str]) -> Rpc:
        endpoints = [Endpoint(url, calls_per_10_s=PLENTY) for url in urls]
        genesis = str(self.shop.chain.bank.genesis_hash)
        return Rpc(
            endpoints,
            genesis,
            purse=lambda each: OwnPurse(each.calls_per_10_s),
            patience_s=patience_s,
            transport=self.shop.transport,
        )

    # What payers do

    @precondition(lambda self: len(self.payments) < OFFERS_MAX)
    @rule(by=st.sampled_from(["reference", "wallet"]))
    def offer(self, by: str) -> None:
        self.payments.append(self.shop.offer(PRICES, by))

    @precondition(lambda self: self.payments)
    @rule(
        data=st.data(),
        token=st.sampled_from([SOL, USDC]),
        tenths=st.sampled_from([5, 10, 10, 10, 11, 20]),
        is_found=st.booleans(),
    )
    def pay(self, data: st.DataObject, token: str, tenths: int, is_found: bool) -> None:
        """Often it becomes final and is looked for at once: what comes after a settlement is half of what may go wrong."""
        payment = data.draw(st.sampled_from(self.payments))
        amount = PRICES[token] * tenths // 10
        signature = self.shop.pay(payment, amount, TEST_USDC if token else None)
        self._remember(payment, token, amount, str(signature))
        if is_found:
            self.shop.chain.advance(PACE.finalized_after)
            self._look()

    @precondition(lambda self: len([each for each in self.payments if each.reference]) > 1)
    @rule()
    def pay_with_two_references(self) -> None:
        named = [each for each in self.payments if each.reference][:2]
        signature = self.shop.pay(named[0], 10_000_000, references=[str(each.reference) for each in named])
        self._remember(None, SOL, 10_000_000, str(signature))

    @precondition(lambda self: any(each.reference for each in self.payments))
    @rule(token=st.sampled_from([SOL, USDC]))
    def give_without_a_reference(self, token: str) -> None:
        merchant = self.shop.merchant.pubkey()
        signature = self.shop.send(self.shop.transfer(merchant, 5_000_000, TEST_USDC if token else None))
        self._remember(None, token, 5_000_000, str(signature))

    def _remember(self, payment: AbstractPayment | None, token: str, amount: int, signature: str) -> None:
        self.sent.append(Sent(payment, token, amount, self.shop.chain.bank.head().number, signature))

    # What the chain and its nodes do

    @rule(slots=st.integers(1, 10))
    def let_slots_pass(self, slots: int) -> None:
        self.shop.chain.advance(slots)

    @rule()
    def roll_back(self) -> None:
        final = self.shop.chain.call("getSlot", {"commitment": "finalized"})
        self.shop.chain.roll_back()
        self.sent = [each for each in self.sent if each.slot <= final]

    @rule(fault=st.sampled_from(LIES), method=st.sampled_from(METHODS), is_first=st.booleans(), times=st.integers(1, 3))
    def fail(self, fault: Fault, method: str, is_first: bool, times: int) -> None:
        node = self.first if is_first else self.second
        node.faults.add(fault, method, times=times, seconds=0, slots=5)

    @rule(times=st.integers(1, 3))
    def lie(self, times: int) -> None:
        self.first.faults.add(Fault.WRONG_AMOUNT, "getTransaction", times=times, by=1_000_000)

    # What the watcher does

    @rule()
    def look(self) -> None:
        self._look()

    @rule()
    def search(self) -> None:
        StraySearch.objects.update(due_at="2020-01-01T00:00:00Z")
        self._look()

    @rule(at=st.integers(1, 40))
    def crash(self, at: int) -> None:
        """The process ends at some statement, in whatever transaction it is, and another one starts."""
        left = at

        def end(execute: Callable[..., Any], *arguments: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                raise Crash
            return execute(*arguments)

        # Savepoints stand for commits here: a crash undoes what has not come to the end of one.
        with contextlib.suppress(Crash), connection.execute_wrapper(end):
            self._look()
        # Statements that are a transaction of their own elsewhere (`bulk_update` asks for no savepoint) mark the outer one,
        # which stands for none here. What they were about to do was not done.
        transaction.set_rollback(False)
        self.watcher.__exit__(None, None, None)
        self.watcher = Watcher(self.faulty)

    @rule()
    def tell(self) -> None:
        tell_due()

    def _look(self) -> None:
        for node in self.faulty.nodes:
            node.paused_until = 0.0
        WatchedAccount.objects.filter(next_look_at__isnull=False).update(next_look_at="2020-01-01T00:00:00Z")
        with contextlib.suppress(RpcError, Unreadable):
            self.watcher.look()

    def teardown(self) -> None:
        try:
            if hasattr(self, "watcher"):
                self.first.faults.clear()
                self.second.faults.clear()
                self.watcher.__exit__(None, None, None)
                rpc = self._rpc(30.0, [self.first.url, self.second.url])
                self.closing.callback(rpc.close)
                self.come_to_rest()
                self.shop.watcher.__exit__(None, None, None)
                self.shop.watcher = Watcher(rpc)
                self.shop.look_until_done()
                differences = self.shop.watcher.audit()
                self.shop.look_until_done()
                assert differences == []
                self.check()
        finally:
            self.closing.close()

    def come_to_rest(self) -> None:
        """What else is under way comes to its end, with nothing broken any more."""

    def check(self) -> None:
        self._nothing_is_lost_or_made()
        tokens = {token.mint: token.pk for token in public.token_model().objects.all()}
        times = dict(Transfer.objects.values_list("signature", "block_time"))
        for payment in self.payments:
            paid = [each for each in self.sent if each.payment == payment]
            receipts = [
                Receipt(each.slot, each.signature, tokens[each.token], each.amount, times[each.signature])
                for each in paid
            ]
            prices = [Price(tokens[mint], amount) for mint, amount in PRICES.items()]
            payment.refresh_from_db()
            verdict = judge(prices, receipts, payment.expires_at, paid_in=payment.paid_in_id)
            assert payment.money == verdict.money
            assert (payment.status == Status.SETTLED) == (verdict.paid_in is not None)
            settled = Event.objects.filter(payment_id=payment.pk, name="settled").count()
            assert settled == (payment.status == Status.SETTLED)

    def _nothing_is_lost_or_made(self) -> None:
        recorded = set(Transfer.objects.filter(amount__gt=0).values_list("signature", "amount"))
        assert recorded == {(each.signature, each.amount) for each in self.sent}
        unmatched = set(UnmatchedReceipt.objects.values_list("transfer__signature", flat=True))
        assert unmatched == {each.signature for each in self.sent if each.payment is None}
        for account in WatchedAccount.objects.select_related("token"):
            address = Pubkey.from_string(account.address)
            if account.token.mint:
                on_chain = self.shop.chain.token_balance(Pubkey.from_string(account.owner))
            else:
                on_chain = self.shop.chain.balance(address)
            assert account.recorded == on_chain


def run(machine: type[Histories], examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            # A history takes a second or so: a smaller one that fails alike is not worth an hour.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.django_db
def test_no_history_loses_or_invents_money() -> None:
    run(Histories, examples=8, steps=20)


# Twenty of 500, so that as many workers as there are cores may share them: `make crash ARGS="-n 2"`.
@pytest.mark.crash
@pytest.mark.django_db
@pytest.mark.parametrize("part", range(20))
def test_no_history_of_ten_thousand_loses_or_invents_money(part: int) -> None:
    run(Histories, examples=500, steps=30)
