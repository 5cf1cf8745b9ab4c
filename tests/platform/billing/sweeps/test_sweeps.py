"""Settled money leaves its one-time wallet by itself, with real transactions; what somebody may want back stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from mutoscope.engines.solana.chain import TEST_USDC
from mutoscope.engines.solana.signer.models import SignerJob
from mutoscope.engines.solana.wallets.models import Wallet
from mutoscope.engines.tasks.queue.schedules import declared_schedules
from mutoscope.platform.billing.models import Reconciliation, TopUp
from mutoscope.platform.billing.reconcile.metrics import ReconciliationCollector
from mutoscope.platform.billing.reconcile.service import Reconcile, ReconcileInputs, find
from mutoscope.platform.billing.sweeps.service import CollectMoney, CollectMoneyInputs, holdings
from mutoscope.platform.billing.sweeps.tasks import collect_money
from tests.engines.solana.signer.house import TREASURY
from tests.platform.billing.topup_refunds.counter import Counter, open_counter

pytestmark = pytest.mark.django_db

TREASURE = str(TREASURY.pubkey())


@pytest.fixture
def counter(db: None, tmp_path: Path) -> Iterator[Counter]:
    with open_counter(tmp_path) as opened:
        yield opened


def turn(counter: Counter) -> tuple[int, int]:
    """One turn of the task, the signer until its jobs are done, and the watcher that sees it. (sweeps, reclaims)"""
    done = CollectMoney().call(CollectMoneyInputs())
    jobs = SignerJob.objects.filter(kind__in=("sweep", "reclaim")).exclude(state__in=("settled", "failed", "voided"))
    counter.house.settle(*jobs)
    counter.till.settle()
    return done.sweeps, done.reclaims


def paid(counter: Counter, number: int, symbol: str = "USDC", amount: int = 5_000_000) -> TopUp:
    top_up = counter.till.buy(symbol, key=f"order-number-{number}")
    token = TEST_USDC if symbol == "USDC" else None
    counter.till.shop.pay(counter.till.payment(top_up), amount, token)
    counter.till.settle()
    return top_up


def places() -> dict[tuple[str, str], int]:
    return {(each.place, each.symbol): each.amount for each in holdings()}


def test_settled_money_is_swept_and_its_rent_comes_back(counter: Counter) -> None:
    for number in range(3):
        paid(counter, number)
    paid(counter, 3, "SOL", 33_333_334)
    assert places() == {
        ("one-time wallets, to be swept", "SOL"): 33_333_334,
        ("one-time wallets, to be swept", "USDC"): 15_000_000,
    }
    before = counter.house.lamports(TREASURE)
    assert turn(counter) == (4, 0)
    assert counter.house.tokens(TREASURE) == 15_000_000
    assert counter.house.lamports(TREASURE) == before + 33_333_334
    assert places() == {
        ("swept to the main wallet", "SOL"): 33_333_334,
        ("swept to the main wallet", "USDC"): 15_000_000,
    }
    fee_account = counter.house.lamports(counter.house.fee)
    assert turn(counter) == (0, 3)
    assert counter.house.lamports(counter.house.fee) > fee_account, "the rent pays more than the closing costs"
    assert turn(counter) == (0, 0)
    assert [finding.name for finding in Reconcile().call(ReconcileInputs()).findings] == []


def test_what_somebody_may_want_back_stays_until_nobody_does(counter: Counter, settings: Any) -> None:
    over = counter.overpaid()
    assert turn(counter) == (0, 0)
    assert places() == {("one-time wallets, kept for refunds", "USDC"): 7_500_000}
    settings.SWEEP_HOLD_DAYS = 0
    (refund,) = counter.ask(over)
    assert turn(counter) == (0, 0), "somebody asked for it and waits"
    counter.approve(refund)
    assert turn(counter) == (0, 0)
    counter.settle(refund)
    assert turn(counter) == (1, 0)
    assert counter.house.tokens(TREASURE) == 5_000_000
    assert places() == {("swept to the main wallet", "USDC"): 5_000_000, ("sent back to who paid", "USDC"): 2_500_000}


def test_open_payments_and_little_money_are_left_alone(counter: Counter, settings: Any) -> None:
    settings.SWEEP_USD_MIN = "5.01"
    paid(counter, 1)
    part = paid(counter, 2, amount=1_000_000)
    assert turn(counter) == (0, 0)
    settings.SWEEP_USD_MIN = "5.00"
    assert turn(counter) == (1, 0)
    assert places()["one-time wallets, still open", "USDC"] == 1_000_000
    assert counter.till.points() == 550
    assert not counter.till.standing(part).is_credited


def test_what_the_signer_refuses_is_found_and_not_asked_again_at_every_turn(tmp_path: Path) -> None:
    with open_counter(tmp_path, usdc={"sweep_max": 0}) as counter:
        paid(counter, 1)
        paid(counter, 2, "SOL", 33_333_334)
        done = CollectMoney().call(CollectMoneyInputs(payments_at_once=1))
        assert done.sweeps == 1
        counter.house.settle(*SignerJob.objects.filter(kind="sweep"))
        assert turn(counter) == (1, 0), "what is refused keeps nothing else from its turn"
        for _ in range(3):
            assert turn(counter) == (0, 0)
        assert SignerJob.objects.filter(kind="sweep", mint=str(TEST_USDC.mint)).count() == 1
        ((row,),) = [finding.rows for finding in find() if finding.name == "sweep_refused"]
        assert "sweep_max" in row[-1]
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE solana_signer_job DISABLE TRIGGER USER")
            cursor.execute("UPDATE solana_signer_job SET changed_at = changed_at - interval '25 hours'")
            cursor.execute("ALTER TABLE solana_signer_job ENABLE TRIGGER USER")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        assert CollectMoney().call(CollectMoneyInputs()).sweeps == 1, "a day later the cap may be another"


def test_it_is_scheduled_and_asks_twice_for_one_job(counter: Counter) -> None:
    assert "billing.sweeps" in {each.name for each in declared_schedules()}
    paid(counter, 1)
    assert collect_money.func() == 1
    assert collect_money.func() == 0, "what is under way is not asked again"
    assert SignerJob.objects.filter(kind="sweep").count() == 1
    assert places() == {("one-time wallets, being swept", "USDC"): 5_000_000}


def test_the_operator_sees_where_the_money_is(counter: Counter, capsys: pytest.CaptureFixture[str]) -> None:
    paid(counter, 1)
    call_command("reconcile")
    assert "5 USDC one-time wallets, to be swept" in capsys.readouterr().out
    assert Reconciliation.objects.get().holdings[0]["amount"] == 5_000_000
    sample = {
        (sample.labels["place"], sample.labels["token"]): sample.value
        for metric in ReconciliationCollector().collect()
        if metric.name == "mutoscope_money_base_units"
        for sample in metric.samples
    }
    assert sample == {("one-time wallets, to be swept", "USDC"): 5_000_000}
    assert Wallet.objects.exists()
