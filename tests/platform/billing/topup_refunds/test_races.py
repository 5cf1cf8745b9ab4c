"""Twenty at once ask, and twenty at once approve: one refund, one job, the money once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connections

from mutoscope.engines.solana.public import GoesBack, accept_late
from mutoscope.engines.solana.signer.models import SignerJob
from mutoscope.platform.billing.failures import CannotSendBack
from mutoscope.platform.billing.models import TopUpRefund
from tests.platform.billing.topup_refunds.counter import open_counter

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(act: Callable[[int], None], many: int = 20) -> list[str]:
    barrier = threading.Barrier(many)

    def one(number: int) -> str:
        try:
            barrier.wait(60)
            act(number)
        except (CannotSendBack, GoesBack):
            return "refused"
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(many) as pool:
        return sorted(pool.map(one, range(many)))


def test_asked_twenty_times_and_approved_by_twenty_it_goes_back_once(tmp_path: Path) -> None:
    with open_counter(tmp_path) as counter:
        top_up = counter.overpaid()
        has = counter.payer_has()
        asked = at_once(lambda number: counter.ask(top_up, f"key-{number}"))  # type: ignore[arg-type,return-value]
        assert asked == ["done", *["refused"] * 19]
        refund = TopUpRefund.objects.get()
        approved = at_once(lambda number: counter.approve(refund, f"reason {number}"))
        assert approved == ["done", *["refused"] * 19]
        assert SignerJob.objects.filter(kind="refund").count() == 1
        counter.settle(refund)
        assert (refund.state, counter.payer_has()) == (TopUpRefund.State.PAID, has + 2_500_000)


def test_one_approves_while_another_accepts_the_late_money_and_one_of_them_loses(tmp_path: Path) -> None:
    with open_counter(tmp_path) as counter:
        for round_ in range(5):
            top_up = counter.till.buy(key=f"order-number-{round_}")
            counter.till.end(top_up)
            counter.till.pay(top_up, 5_000_000)
            (refund,) = counter.ask(top_up)
            payment = counter.till.payment(top_up)

            def act(number: int, refund: TopUpRefund = refund, payment: object = payment) -> None:
                if number:
                    counter.approve(refund)
                else:
                    accept_late(payment)  # type: ignore[arg-type]

            assert at_once(act, 2) == ["done", "refused"]
            refund.refresh_from_db()
            is_credited = counter.till.payment(top_up).status == "settled"
            assert is_credited != (refund.state == TopUpRefund.State.APPROVED)
