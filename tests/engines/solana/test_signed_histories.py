"""The same histories with a signer in them: it sweeps, refunds, pays out and reclaims while nodes lie, slots are dropped, and it

is killed. However they go: each job has its effect once or never, as its state says, and every balance is explained.
A short programme in `make test`, 10,000 histories in `make crash`.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL, RpcError
from mutoscope.engines.solana.models import SignerJob, Transfer
from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.collecting import request_reclaims, request_sweeps
from mutoscope.engines.solana.payments.refunding import CannotRefund, request_refunds
from mutoscope.engines.solana.signer import seeds, vault
from mutoscope.engines.solana.signer.models import JobState, Kind, SignerLeg
from mutoscope.engines.solana.signer.process import TROUBLE
from mutoscope.engines.solana.signer.requests import request_payout, request_reclaim, request_sweep
from mutoscope.engines.solana.wallets.models import Wallet
from tests.engines.solana.payments.shop import SOL, USDC
from tests.engines.solana.signer.house import TREASURY, House, Node
from tests.engines.solana.test_histories import OFFERS_MAX, Crash, Histories, run

# What it asks for every job, and, as often as all of those together, what must not happen twice.
ASKED = [
    "getMultipleAccounts",
    "simulateTransaction",
    "getLatestBlockhash",
    *6 * ["sendTransaction"],
    "getSignatureStatuses",
    "getEpochInfo",
    "getTransaction",
]
# To pay everything out of, and to be short of nothing.
PAID_IN = {SOL: 10 * LAMPORTS_PER_SOL, USDC: 1_000_000_000}


class SignedHistories(Histories):
    configured: ClassVar[dict[str, Any]] = {"WALLETS": "mutoscope.engines.solana.wallets.claim"}

    def move_in(self) -> None:
        # In this process: a fork for each signature is two thirds of a history, and test_seeds.py and test_hardening.py have it.
        for module in (vault, seeds):
            self.closing.enter_context(patch.object(module, "in_child", lambda work: work()))
        self.payouts: list[Keypair] = []
        folder = Path(self.closing.enter_context(tempfile.TemporaryDirectory()))
        self.house = House(folder, self.shop.chain, receivers=[str(self.shop.merchant.pubkey())], pool_target=1)
        self.closing.callback(self.house.close)
        # The whole pool at once, so that no turn has to derive.
        self.house.signer.seeds.fill_pool(OFFERS_MAX + 1)
        # A second node, so that one that hides what landed is not believed.
        self.house.nodes.append(Node(self.shop.chain))
        payout = Pubkey.from_string(self.house.payout)
        self.shop.chain.airdrop(payout, PAID_IN[SOL])
        self.shop.chain.give(payout, PAID_IN[USDC])
        self.shop.chain.finalize()
        self._restart_signer()

    # What the operator asks for

    def _wallets(self) -> list[AbstractPayment]:
        return [payment for payment in self.payments if not payment.reference]

    @rule()
    def sweep_and_reclaim(self) -> None:
        request_sweeps()
        request_reclaims()
        self.turn()

    @precondition(lambda self: self._wallets())
    @rule(data=st.data(), mint=st.sampled_from([SOL, USDC]))
    def sweep_whatever_is_there(self, data: st.DataObject, mint: str) -> None:
        payment = data.draw(st.sampled_from(self._wallets()))
        request_sweep(Wallet.objects.get(address=payment.recipient), mint)

    @precondition(lambda self: self._wallets())
    @rule(data=st.data())
    def reclaim_whatever_is_there(self, data: st.DataObject) -> None:
        payment = data.draw(st.sampled_from(self._wallets()))
        request_reclaim(Wallet.objects.get(address=payment.recipient), USDC)

    @precondition(lambda self: self.payments)
    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        with contextlib.suppress(CannotRefund):
            request_refunds(data.draw(st.sampled_from(self.payments)))

    @precondition(lambda self: len(self.payouts) < 6)
    @rule(is_taken_up=st.booleans())
    def pay_out(self, is_taken_up: bool) -> None:
        number = len(self.payouts)
        self.payouts.append(Keypair())
        request_payout(
            f"payout-{number}", destination=str(self.payouts[number].pubkey()), amount=_amount_of_payout(number)
        )
        if is_taken_up:
            self.turn()

    # What the signer does, and what is done to it

    @rule()
    def turn(self) -> None:
        """Twice, so that what is signed is also followed."""
        for _ in range(2):
            self.house.hurry()
            with contextlib.suppress(*TROUBLE):
                self.house.signer.tick()
            self.shop.chain.advance(1)

    @rule(at=st.integers(1, 60))
    def kill_the_signer(self, at: int) -> None:
        """It ends at some statement, or before or after some call to a node, and another one starts."""
        left = at
        node, breaks, lies = self.house.node, self.house.node.breaks, self.house.node.lies

        def pass_by() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Crash

        def statement(execute: Callable[..., Any], *arguments: Any) -> Any:
            pass_by()
            return execute(*arguments)

        def before(method: str, params: Sequence[Any]) -> None:
            pass_by()
            breaks(method, params)

        def after(method: str, answer: Any) -> Any:
            pass_by()
            return lies(method, answer)

        self.house.hurry()
        node.breaks, node.lies = before, after
        with contextlib.suppress(Crash, *TROUBLE), connection.execute_wrapper(statement):
            self.house.signer.tick()
        transaction.set_rollback(False)
        node.breaks, node.lies = breaks, lies
        self._restart_signer()

    @rule(method=st.sampled_from(ASKED), is_late=st.booleans(), times=st.integers(1, 3))
    def lose_answers(self, method: str, is_late: bool, times: int) -> None:
        """A node does not answer the signer, before it did what it was asked or, `is_late`, after."""
        self.house.node.broken_for(method, times=times, after=is_late)

    @rule(is_mended=st.booleans())
    def hide_what_landed(self, is_mended: bool) -> None:
        """One of the two nodes knows of nothing that was sent; or all is well again."""
        self.house.node.mend()
        if not is_mended:
            self.house.node.lies = _hide

    @rule()
    def let_all_arrive(self) -> None:
        """Whatever was ever broadcast may still be on its way, unanswered and undone by a rollback as it was."""
        for wanted in self.house.node.broadcast:
            with contextlib.suppress(RpcError):
                self.shop.chain.call("sendTransaction", *wanted)

    @rule()
    def let_blockhashes_die(self) -> None:
        self.house.pass_window()

    def _restart_signer(self) -> None:
        self.house.signer.close()
        self.house.signer = self.house.new_signer()

    # What must be true in the end

    def come_to_rest(self) -> None:
        self.house.node.mend()
        self.let_all_arrive()
        self.house.settle(*SignerJob.objects.all())
        self.let_all_arrive()
        self.shop.chain.finalize()

    def check(self) -> None:
        super().check()
        landed = self._landed()
        effects = Counter(leg.job_id for leg in landed)
        for job in SignerJob.objects.all():
            assert effects[job.pk] == (job.state == JobState.SETTLED), (job.kind, job.state, job.reason)
        moved = [leg for leg in landed if leg.kind != Kind.RECLAIM]
        for mint in (SOL, USDC):
            assert self._holds(str(TREASURY.pubkey()), mint) == _sum(moved, kind=Kind.SWEEP, mint=mint)
            left = _sum(moved, origin=self.house.payout, mint=mint)
            assert self._holds(self.house.payout, mint) == PAID_IN[mint] - left
        for number, creator in enumerate(self.payouts):
            is_paid = SignerJob.objects.get(key=f"payout-{number}").state == JobState.SETTLED
            assert self.shop.chain.balance(creator.pubkey()) == (_amount_of_payout(number) if is_paid else 0)
        # What the watcher wrote down of what left is what the signer says that it sent.
        wallets = {payment.recipient for payment in self._wallets()}
        gone = Transfer.objects.filter(amount__lt=0).values_list("signature", "owner", "mint", "amount")
        signed = {(leg.attempt.signature, leg.origin, leg.mint, -leg.amount) for leg in moved if leg.origin in wallets}
        assert set(gone) == signed

    def _landed(self) -> list[SignerLeg]:
        """Every part of a transaction of the signer's that is on chain, finally and without an error, as the chain says."""
        legs = list(SignerLeg.objects.select_related("attempt"))
        signatures = sorted({leg.attempt.signature for leg in legs})
        told = self.shop.chain.call("getSignatureStatuses", signatures, {"searchTransactionHistory": True})
        status = dict(zip(signatures, told["value"], strict=True))
        return [
            leg
            for leg in legs
            if (found := status[leg.attempt.signature])
            and found["confirmationStatus"] == "finalized"
            and not found["err"]
        ]

    def _holds(self, owner: str, mint: str) -> int:
        return self.house.tokens(owner) if mint else self.house.lamports(owner)


def _amount_of_payout(number: int) -> int:
    return 5_000_000 + number


def _sum(legs: Sequence[SignerLeg], **wanted: str) -> int:
    return sum(leg.amount for leg in legs if all(getattr(leg, name) == value for name, value in wanted.items()))


def _hide(method: str, answer: Any) -> Any:
    if method != "getSignatureStatuses":
        return answer
    return {**answer, "value": [None] * len(answer["value"])}


@pytest.mark.django_db
def test_no_history_moves_money_twice() -> None:
    run(SignedHistories, examples=6, steps=30)


# Fifty of 200, so that as many workers as there are cores may share them: `make crash ARGS="-n 2"`.
@pytest.mark.crash
@pytest.mark.django_db
@pytest.mark.parametrize("part", range(50))
def test_no_history_of_ten_thousand_moves_money_twice(part: int) -> None:
    run(SignedHistories, examples=200, steps=40)
