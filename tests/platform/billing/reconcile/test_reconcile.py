"""Every difference between the books and what was agreed is found, and named; and an honest day has none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.clock import MovedClock
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.failures import CannotRefund
from mutoscope.platform.billing.models import Payout, Purchase, Reconciliation
from mutoscope.platform.billing.payouts.service import EndPayout, EndPayoutInputs, RequestPayout, RequestPayoutInputs
from mutoscope.platform.billing.reconcile import service
from mutoscope.platform.billing.reconcile.metrics import ReconciliationCollector
from mutoscope.platform.billing.reconcile.service import Reconcile, ReconcileInputs, find, wrong_entitlements
from mutoscope.platform.billing.refunds.service import RefundPurchase, RefundPurchaseInputs
from mutoscope.platform.billing.tips.service import GiveTip, GiveTipInputs
from mutoscope.platform.billing.unlock.panel import panel_for
from tests.people import make_person
from tests.platform.billing.coupons.codes import make, use
from tests.platform.billing.paying import paid_by_hand
from tests.platform.billing.shop import Shop, give

pytestmark = pytest.mark.django_db


def found() -> dict[str, set[tuple[Any, ...]]]:
    return {finding.name: set(finding.rows) for finding in find()}


class Since:
    """What is found beyond what was there: the ledger outlives the tests that empty the other tables."""

    def __init__(self) -> None:
        self.before = found()

    def names(self) -> set[str]:
        return {name for name, rows in found().items() if rows - self.before.get(name, set())}


@pytest.fixture
def since() -> Since:
    return Since()


def an_honest_day() -> Shop:
    shop = Shop.open(points=5000)
    for term, points in ((Term.DAY, 30), (Term.DAY, 30), (Term.MONTH, 1), (Term.LIFETIME, 140)):
        shop.unlock(term, points)
    other = Shop(shop.creator, make_person("petra"), shop.video)
    give(other.viewer, 500)
    other.unlock(Term.DAY)
    staff = make_person("stan")
    for _ in range(2):
        last = other.unlock(Term.DAY)
    RefundPurchase().call(RefundPurchaseInputs(last.purchase_id, staff.pk, "Twice by mistake."))
    third = Shop(shop.creator, make_person("vera"), shop.video)
    give(third.viewer, 30)
    make(third, percent=100)
    for bought in reversed((third.unlock(Term.DAY), use(third, 0, Term.MONTH))):
        RefundPurchase().call(
            RefundPurchaseInputs(bought.purchase_id, staff.pk, "The code was meant for another film.")
        )
    GiveTip().call(GiveTipInputs(other.viewer.pk, shop.video.public_id, 20, "k", "Lovely"))
    later = MovedClock(timedelta(days=8))
    for number, outcome in enumerate((Payout.State.FAILED, Payout.State.PAID, None)):
        asked = RequestPayoutInputs(shop.creator.pk, 50 + number, f"key {number}", True)
        payout = RequestPayout(later).call(asked).payout
        if outcome:
            EndPayout().call(EndPayoutInputs(payout.pk, outcome))
    return shop


@pytest.fixture(autouse=True)
def small_payouts(settings: Any) -> Iterator[None]:
    settings.PAYOUT_POINTS_MIN = 10
    with paid_by_hand():
        yield


def test_an_honest_day_has_no_findings(since: Since) -> None:
    an_honest_day()
    assert since.names() == set()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (
            "UPDATE billing_purchase SET fee_points = fee_points + 1, price_points = price_points + 1 WHERE number = 0",
            "purchase_without_transfer",
        ),
        ("UPDATE billing_purchase SET transfer_id = -id WHERE number = 0", "purchase_without_transfer"),
        ("UPDATE billing_tip SET points = points + 1, fee_points = fee_points + 1", "tip_without_transfer"),
        ("DELETE FROM billing_tip", "transfer_without_receipt"),
        ("UPDATE billing_purchase SET refunded_at = now() WHERE term = 'lifetime'", "refund_differs"),
        ("DELETE FROM billing_refund", "refund_differs"),
        ("UPDATE billing_refund SET transfer_id = NULL", "refund_differs"),
        ("UPDATE billing_entitlement SET video_id = -1", "entitlement_without_film"),
        ("UPDATE billing_purchase SET video_id = -1", "entitlement_without_film"),
        ("UPDATE billing_purchase SET channel_id = -1", "entitlement_without_film"),
        ("UPDATE billing_tip SET video_id = -1", "entitlement_without_film"),
        ("UPDATE billing_tip SET channel_id = -1", "entitlement_without_film"),
        ("UPDATE billing_entitlement SET version = version + 1", "entitlement_without_purchase"),
        ("DELETE FROM billing_entitlement", "entitlement_without_purchase"),
        ("UPDATE billing_entitlement SET expires_at = expires_at + interval '1 second'", "entitlement_differs"),
        ("UPDATE billing_entitlement SET expires_at = NULL", "entitlement_differs"),
        ("UPDATE billing_payout SET state = 'paid', ended_by_id = 0 WHERE state = 'approved'", "payout_differs"),
        ("UPDATE billing_payout SET points = points + 1", "payout_differs"),
        ("DELETE FROM billing_payout", "hold_without_payout"),
        ("UPDATE billing_bookaccount SET owner_id = owner_id + 1000000 WHERE kind = 'points'", "account_differs"),
    ],
)
def test_a_planted_difference_is_found_by_name(since: Since, fault: str, expected: str) -> None:
    an_honest_day()
    with connection.cursor() as cursor:
        cursor.execute(fault)
    assert expected in since.names()


def test_entitlements_are_read_in_batches_and_each_with_all_of_its_receipts(
    since: Since, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop.open()
    for number in range(5):
        viewer = make_person(f"viewer{number}")
        give(viewer, 100)
        for _ in range(2):
            Shop(shop.creator, viewer, shop.video).unlock(Term.DAY)
    monkeypatch.setattr(service, "BATCH_ENTITLEMENTS", 2)
    sizes: list[int] = []

    def measure(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        answer = execute(sql, params, many, context)
        sizes.append(context["cursor"].rowcount)
        return answer

    with connection.execute_wrapper(measure):
        assert list(wrong_entitlements()) == []
    assert sizes == [4, 4, 2, 0]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_entitlement SET expires_at = NULL")
    assert len(list(wrong_entitlements())) == 5
    assert since.names() == {"entitlement_differs"}


def test_the_command_prints_keeps_and_exits(capsys: pytest.CaptureFixture[str]) -> None:
    shop = Shop.open()
    shop.unlock(Term.DAY)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_entitlement SET expires_at = NULL")
    with pytest.raises(SystemExit) as ended:
        call_command("reconcile")
    assert ended.value.code == 1
    assert "entitlement_differs: Somebody may watch longer" in capsys.readouterr().out
    kept = Reconciliation.objects.get()
    assert not kept.is_clean
    rows = {
        sample.labels["finding"]: sample.value
        for metric in ReconciliationCollector().collect()
        for sample in metric.samples
        if "finding" in sample.labels
    }
    assert rows["entitlement_differs"] == 1
    assert rows["payout_differs"] == 0
    Reconcile().call(ReconcileInputs(is_kept=False))
    assert Reconciliation.objects.count() == 1


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["day", "month", "lifetime", "refund", "tip"]), st.integers(0, 60 * 24)), max_size=10
    )
)
def test_whatever_is_bought_and_refunded_in_whatever_order_the_books_agree(steps: list[tuple[str, int]]) -> None:
    with transaction.atomic():
        since, shop, staff = Since(), Shop.open(points=3000), make_person("stan")
        hours = 0
        for number, (what, passed) in enumerate(steps):
            hours += passed
            clock = MovedClock(timedelta(hours=hours))
            if what == "tip":
                GiveTip().call(GiveTipInputs(shop.viewer.pk, shop.video.public_id, 7, str(number)))
            elif what == "refund":
                last = Purchase.objects.filter(refunded_at=None, credited_to=None).order_by("-id").first()
                if last is not None:
                    with suppress(CannotRefund):
                        RefundPurchase(clock).call(RefundPurchaseInputs(last.pk, staff.pk, "because"))
            else:
                panel = panel_for(shop.viewer.pk, shop.video.public_id, clock)
                assert panel is not None
                due = {choice.quote.term: choice.quote.due_points for choice in panel.choices}
                if Term(what) in due:
                    # What the panel says is what the click costs, always.
                    shop.unlock(Term(what), due[Term(what)], version=panel.version, clock=clock)
        assert since.names() == set()
        paid = sum(each.paid_points() for each in Purchase.objects.filter(refunded_at=None))
        tips = 3000 - shop.points() - paid
        assert tips % 7 == 0
        assert books.balance(Kind.EARNINGS, shop.video.channel_id).posted <= paid + tips
        transaction.set_rollback(True)
