"""kill -9 of the signer's process around a broadcast: a refund and a payout are sent once, and billing and the ledger say so.

Small here, at the places that matter; `make crash` kills it at any call to its node.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from mutoscope.engines.postgres.embedded import EmbeddedServer
from mutoscope.engines.solana.chain.bank import Pace
from mutoscope.engines.solana.signer.models import SignerAttempt, SignerJob
from mutoscope.engines.solana.signer.outbox import tell_jobs
from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Payout, TopUpRefund
from mutoscope.platform.billing.payouts.service import RequestPayout, RequestPayoutInputs
from mutoscope.platform.billing.payouts.signing import PaidBySigner
from mutoscope.platform.billing.tips.service import GiveTip, GiveTipInputs
from tests.engines.solana.signer.house import attempts, key
from tests.platform.billing.books import differences
from tests.platform.billing.mortal import Mortal, Point, mortal_signer
from tests.platform.billing.paying import ADDRESS, FUNDS, job_of, paid_by, prove
from tests.platform.billing.shop import Shop
from tests.platform.billing.topup_refunds.counter import Counter, open_counter

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE, AFTER = Point("sendTransaction", is_after=False), Point("sendTransaction", is_after=True)
# Signed, written down and broadcast by then, whatever the machine's speed.
CALLS = 24
# The chain's clock is turned while the signer works: with slots this short it does not run away from the wall's. However slow the
# machine is, a transaction that was signed can still land when the next signer has started; or, in a hurry, it often cannot.
PATIENT, HASTY = Pace(slot_ms=5, blockhash_life=20_000), Pace(slot_ms=5)
DOLLAR, REFUND = 1_000_000, 2_500_000


class World:
    """A viewer who sends too much, a creator who earned, and a signer that dies."""

    def __init__(self, counter: Counter, signer: Mortal) -> None:
        self.counter, self.signer = counter, signer
        self.house = counter.house
        self.house.chain.give(key(self.house.payout), FUNDS)
        self.house.chain.finalize()
        self.shop = Shop.open(points=100_000)
        self.shop.unlock(Term.LIFETIME)
        GiveTip().call(GiveTipInputs(self.shop.viewer.pk, self.shop.video.public_id, 10_000, "tip"))
        prove(self.shop.creator)
        self.known = differences()
        self._number = 0

    def refund(self, kill: Callable[[Callable[[], bool]], object]) -> None:
        """Too much came; it was asked for and approved; the signer is killed as told, and started again."""
        self._number += 1
        top_up = self.counter.till.buy(key=f"order-number-{self._number}")
        self.counter.till.pay(top_up, 7_500_000)
        (refund,) = self.counter.ask(top_up)
        self.counter.approve(refund)
        had = self.counter.payer_has()
        self._through(self.counter.job(refund), kill)
        refund.refresh_from_db()
        assert (refund.state, refund.amount) == (TopUpRefund.State.PAID, REFUND)
        assert refund.signature == self.counter.job(refund).signature
        assert self.counter.payer_has() - had == REFUND
        self.counter.till.settle()
        assert self.counter.till.points() == 550 * self._number, "a refund of what bought no points moves none"
        assert differences() <= self.known

    def payout(self, kill: Callable[[Callable[[], bool]], object]) -> None:
        """The creator asked; the signer is killed as told, and started again."""
        self._number += 1
        earned, had = self.shop.earnings(), self.house.tokens(ADDRESS)
        asked = RequestPayoutInputs(self.shop.creator.pk, 100, f"payout-{self._number}", True)
        payout = RequestPayout().call(asked).payout
        assert self._held() == 100
        self._through(job_of(payout), kill)
        payout.refresh_from_db()
        assert (payout.state, payout.reference) == (Payout.State.PAID, job_of(payout).signature)
        assert self.house.tokens(ADDRESS) - had == DOLLAR
        assert (self.shop.earnings(), self._held()) == (earned - 100, 0)
        assert differences() <= self.known

    def _through(self, job: SignerJob, kill: Callable[[Callable[[], bool]], object]) -> None:
        def ended() -> bool:
            job.refresh_from_db()
            return job.state in ("settled", "failed", "voided")

        kill(ended)
        self.signer.lives(ended)
        tell_jobs()
        assert (job.state, job.reason) == ("settled", "")
        # What is sent again is the same transaction: one was ever signed, or those before it are dead.
        assert attempts(job).count("settled") == 1
        assert set(attempts(job)) <= {"settled", "expired"}

    def _held(self) -> int:
        return books.balance(Kind.EARNINGS, self.shop.video.channel_id).held


@pytest.fixture
def pace() -> Pace:
    return PATIENT


@pytest.fixture
def world(
    pace: Pace, tmp_path: Path, postgres_server: EmbeddedServer, transactional_db: None, settings: Any
) -> Iterator[World]:
    settings.PAYOUT_POINTS_MIN, settings.PAYOUT_DELAY_DAYS, settings.PAYOUT_APPROVAL_POINTS = 50, 0, 1000
    with (
        open_counter(tmp_path, pace) as counter,
        paid_by(PaidBySigner()),
        override_settings(PAYOUT_POINT_USD="0.01", PAYOUT_TOKEN="USDC"),
        mortal_signer(counter, postgres_server, tmp_path) as signer,
    ):
        yield World(counter, signer)


@pytest.mark.parametrize("what", ["refund", "payout"])
def test_killed_before_and_after_its_broadcast_it_is_sent_once(world: World, what: str) -> None:
    def twice(ended: Callable[[], bool]) -> None:
        """Signed and not sent; then, by the next process, sent and not known to be."""
        assert world.signer.dies(BEFORE, ended)
        (attempt,) = SignerAttempt.objects.filter(legs__job__state="signed").distinct()
        assert world.house.chain.call("getSignatureStatuses", [attempt.signature])["value"] == [None]
        assert world.signer.dies(AFTER, ended)
        (status,) = world.house.chain.call("getSignatureStatuses", [attempt.signature])["value"]
        assert status is not None, "the same transaction"

    getattr(world, what)(twice)


@pytest.mark.crash
@pytest.mark.parametrize("pace", [PATIENT, HASTY], ids=["patient", "hasty"])
@pytest.mark.parametrize("what", ["refund", "payout"])
def test_killed_at_any_call_twenty_times(world: World, what: str, pace: Pace) -> None:
    chooser = random.Random(what)
    times = 0
    for _ in range(20):
        point = Point(chooser.randrange(1, CALLS), chooser.random() < 0.5)
        died: list[bool] = []
        getattr(world, what)(lambda ended: died.append(world.signer.dies(point, ended)))  # noqa: B023
        times += sum(died)
    assert times >= 10, f"{times} kills in 20 rounds"
