"""Chain, payments, signer and ledger: each difference is found by its name, and what is only under way is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from mutoscope.engines.solana.chain import TEST_USDC
from mutoscope.engines.solana.models import Event
from mutoscope.engines.solana.rpc.client import forget_default_rpc
from mutoscope.engines.solana.signer.requests import request_payout
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Reconciliation
from mutoscope.platform.billing.payouts.service import RequestPayout, RequestPayoutInputs
from mutoscope.platform.billing.reconcile.chain import audited
from mutoscope.platform.billing.reconcile.service import Reconcile, ReconcileInputs, find
from tests.engines.solana.signer.house import House
from tests.platform.billing.paying import ADDRESS, paid_by_signer, prove, settle
from tests.platform.billing.shop import Shop
from tests.platform.billing.topup.till import Till, open_till

pytestmark = pytest.mark.django_db


def names() -> set[str]:
    return {finding.name for finding in find()}


def plant(fault: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(fault)


@pytest.fixture
def till(db: None) -> Iterator[Till]:
    with open_till() as opened:
        forget_default_rpc()
        yield opened
        forget_default_rpc()


def test_money_that_came_in_is_compared_with_chain_and_ledger(till: Till) -> None:
    before = names()
    top_up = till.buy()
    till.shop.pay(till.payment(top_up), 5_000_000, TEST_USDC)
    till.shop.look()
    assert names() == before, "news that is still to be told is no difference"
    Event.objects.update(due_at=None)
    assert names() - before == {"payment_not_credited"}
    Event.objects.update(due_at=timezone.now())
    till.settle()
    assert names() == before
    assert audited() == {}
    plant("UPDATE mutoscope_solana_watchedaccount SET recorded = recorded + 5 WHERE recorded > 0")
    Reconcile().call(ReconcileInputs())
    ((finding),) = [each for each in Reconciliation.objects.get().findings if each["name"] == "chain_differs"]
    ((_, address, on_chain, recorded),) = finding["rows"]
    assert (address, on_chain, recorded) != ("", 0, 0)
    assert recorded == on_chain + 5
    # A node of another network is as good as none.
    forget_default_rpc()
    with override_settings(MUTOSCOPE_SOLANA={**settings.MUTOSCOPE_SOLANA, "CLUSTER": "mainnet-beta"}):
        assert set(audited()) == {"chain_not_read"}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("UPDATE billing_topup SET points = points + 1", "top_up_differs"),
        ("UPDATE billing_topup SET transfer_id = NULL, credited_at = NULL", "credit_without_payment"),
    ],
)
def test_a_top_up_that_says_something_else_is_found(till: Till, fault: str, expected: str) -> None:
    before = names()
    till.pay(till.buy(), 5_000_000)
    assert names() == before
    plant(fault)
    assert expected in names() - before


@override_settings(PAYOUT_DELAY_DAYS=0, PAYOUT_POINTS_MIN=50)
def test_payouts_are_compared_with_the_jobs_of_the_signer(tmp_path: Path) -> None:
    before = names()
    house = House(tmp_path)
    with paid_by_signer(house):
        shop = Shop.open()
        shop.unlock(Term.LIFETIME)
        prove(shop.creator)
        payout = RequestPayout().call(RequestPayoutInputs(shop.creator.pk, 100, "a", True)).payout
        assert names() == before
        settle(house, payout)
        assert names() == before
    house.close()
    plant("UPDATE billing_payout SET amount = amount + 1")
    assert names() - before == {"payout_job_differs"}
    plant("UPDATE billing_payout SET amount = amount - 1, reference = 'another'")
    assert names() - before == {"payout_job_differs"}
    request_payout("payout:1:99", destination=ADDRESS, amount=1)
    assert "job_without_payout" in names() - before
