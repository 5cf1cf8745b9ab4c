"""Points come once: with two workers telling of one payment, and with a worker that is killed between the chain and the ledger."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from mutoscope.engines.ledger.models import Transfer
from mutoscope.engines.solana.chain import TEST_USDC
from mutoscope.engines.solana.models import Event
from mutoscope.engines.solana.outbox import signals
from mutoscope.engines.solana.outbox.telling import tell_due
from mutoscope.platform.billing.failures import CannotTopUp
from mutoscope.platform.billing.models import TopUp
from mutoscope.platform.billing.topup.buying import OPEN_MAX
from mutoscope.platform.billing.topup.crediting import credit_settled
from tests.platform.billing.topup.till import Till, open_till

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 4


@pytest.fixture
def till(transactional_db: None) -> Iterator[Till]:
    with open_till() as opened:
        yield opened


def together(work: Any) -> None:
    barrier = threading.Barrier(WORKERS)

    def run() -> None:
        try:
            barrier.wait(60)
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(run) for _ in range(WORKERS)]:
            done.result()


def is_credited_once(till: Till, top_up: TopUp) -> None:
    posted = Transfer.objects.filter(metadata__payment=top_up.payment_id).count()
    assert (till.points(), posted, TopUp.objects.exclude(transfer_id=None).count()) == (550, 1, 1)


def test_several_workers_tell_of_one_payment_and_it_is_credited_once(till: Till) -> None:
    top_up = till.buy()
    till.shop.pay(till.payment(top_up), 5_000_000, TEST_USDC)
    till.shop.look()
    together(tell_due)
    is_credited_once(till, top_up)
    # And even if each of them were to believe that it is the first.
    payment = till.payment(top_up)

    def believes() -> None:
        with transaction.atomic():
            credit_settled(None, payment=payment, key="again", data={})

    together(believes)
    is_credited_once(till, top_up)


class Killed(BaseException):
    """The process ends here: nothing after it is done, and what was not committed is gone."""


@pytest.mark.parametrize("where", ["before the points", "after the points"])
def test_killed_between_chain_and_ledger_it_is_credited_after_the_restart(till: Till, where: str) -> None:
    top_up = till.buy()
    till.shop.pay(till.payment(top_up), 5_000_000, TEST_USDC)
    till.shop.look()

    def dies(**event: Any) -> None:
        if where == "after the points":
            credit_settled(event.pop("sender"), **{name: event[name] for name in ("payment", "key", "data")})
        raise Killed

    signals.settled.disconnect(dispatch_uid="billing.topup.credit")
    signals.settled.connect(dies, dispatch_uid="test", weak=False)
    try:
        with pytest.raises(Killed):
            tell_due()
    finally:
        signals.settled.disconnect(dispatch_uid="test")
        signals.settled.connect(credit_settled, dispatch_uid="billing.topup.credit")
    assert till.points() == 0
    till.shop.restart()
    till.shop.look()
    Event.objects.filter(told_at=None).update(due_at=timezone.now())
    tell_due()
    is_credited_once(till, top_up)


def test_clicks_at_once_open_no_more_payments_than_may_be_open(till: Till) -> None:
    for number in range(OPEN_MAX - 1):
        till.buy(key=f"order-number-{number}")
    keys = iter([f"at-once-{number}" for number in range(WORKERS)])

    def click() -> None:
        with contextlib.suppress(CannotTopUp):
            till.buy(key=next(keys))

    together(click)
    assert TopUp.objects.count() == OPEN_MAX
