"""Each month of each channel has one statement, whose figures are the ledger's, under a number without gaps."""

from __future__ import annotations

import csv
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from mutoscope.engines.tasks.queue.schedules import declared_schedules
from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.clock import MovedClock
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.failures import CannotIssue, CannotPayOut, CannotRefund, Unacceptable
from mutoscope.platform.billing.models import MonthlyStatement, Payout, Purchase
from mutoscope.platform.billing.monthly.service import IssueStatement, IssueStatementInputs, due
from mutoscope.platform.billing.monthly.shown import figures_of, next_statement, page_of
from mutoscope.platform.billing.monthly.tasks import issue_all, issue_statements
from mutoscope.platform.billing.payouts.service import EndPayout, EndPayoutInputs, RequestPayout, RequestPayoutInputs
from mutoscope.platform.billing.reconcile.service import find, wrong_statements
from mutoscope.platform.billing.refunds.service import RefundPurchase, RefundPurchaseInputs
from mutoscope.platform.billing.tips.service import GiveTip, GiveTipInputs
from mutoscope.platform.billing.unlock.panel import panel_for
from mutoscope.platform.videos.public import VideoState
from mutoscope.web.templatetags.moments import moment
from tests.people import make_channel, make_person
from tests.platform.billing.bundles.rack import Rack
from tests.platform.billing.paying import paid_by_hand
from tests.platform.billing.shop import PRICES, Shop, give
from tests.platform.billing.wallet.sent import sent
from tests.platform.videos.films import new_channel, new_video

pytestmark = pytest.mark.django_db

AGES = MovedClock(timedelta(days=62))


def months_pass(months: int = 1) -> None:
    """Everything that was recorded so far was recorded so many months earlier, to the day: the ledger's own clock cannot be moved."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE ledger_journal DISABLE TRIGGER USER")
        cursor.execute("UPDATE ledger_journal SET recorded_at = recorded_at - make_interval(months => %s)", [months])
        cursor.execute("ALTER TABLE ledger_journal ENABLE TRIGGER USER")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def this_month() -> tuple[int, int]:
    now = timezone.now()
    return now.year, now.month


def issue(shop: Shop, reason: str = "") -> MonthlyStatement:
    year, month = this_month()
    asked = IssueStatementInputs(shop.video.channel_id, year, month, reason)
    return IssueStatement(AGES).call(asked).statement


def of(shop: Shop) -> list[MonthlyStatement]:
    return list(MonthlyStatement.objects.filter(channel_id=shop.video.channel_id).order_by("year", "month", "number"))


def test_a_month_adds_up_from_sales_to_payouts(settings: Any) -> None:
    settings.PAYOUT_POINTS_MIN, settings.PAYOUT_DELAY_DAYS, settings.FEE_BPS = 1, 0, 1000
    shop, staff = Shop.open(), make_person("stan", is_staff=True)
    first = shop.unlock(Term.DAY)
    shop.unlock(Term.LIFETIME, 170)
    GiveTip().call(GiveTipInputs(shop.viewer.pk, shop.video.public_id, 25, "tip"))
    other = Shop(shop.creator, make_person("petra"), shop.video)
    give(other.viewer, 100)
    refunded = other.unlock(Term.DAY)
    RefundPurchase().call(RefundPurchaseInputs(refunded.purchase_id, staff.pk, "no sound"))
    with paid_by_hand():
        payout = RequestPayout().call(RequestPayoutInputs(shop.creator.pk, 100, "a", True)).payout
        EndPayout().call(EndPayoutInputs(payout.pk, Payout.State.PAID, "By the bank.", "BANK 1", staff.pk))
    statement = issue(shop)
    assert {each.name: (each.count, each.points) for each in figures_of(statement)} == {
        "opening": (None, 0),
        "sales": (3, 30 + 170 + 30),
        "tips": (1, 25),
        "refunds": (1, -30),
        "fees": (None, -(3 + 17 + 2)),
        "payouts": (1, -100),
        "closing": (None, 103),
    }
    assert statement.closing_points == books.balance(Kind.EARNINGS, shop.video.channel_id).posted
    assert first.points == 30
    lines, next_after = page_of(statement)
    assert (len(lines), lines[-1].balance, next_after) == (6, 103, None)


def test_a_bundle_is_a_sale_and_its_refund_a_refund(settings: Any) -> None:
    settings.FEE_BPS = 1000
    rack, staff = Rack.open(), make_person("stan", is_staff=True)
    bought = rack.buy()
    sold = issue(rack.shop)
    assert (sold.sales, sold.sale_points, sold.fee_points, sold.other_points) == (1, 100, 10, 0)
    film = Purchase.objects.filter(transfer_id=bought.transfer_id).earliest("id")
    RefundPurchase().call(RefundPurchaseInputs(film.pk, staff.pk, "no sound"))
    after = issue(rack.shop, "refunded meanwhile")
    assert (after.refunds, after.refund_points, after.fee_points, after.other_points) == (1, 100, 0, 0)
    assert after.closing_points == books.balance(Kind.EARNINGS, rack.shop.video.channel_id).posted == 0


@settings(max_examples=12, deadline=None)
@given(st.lists(st.sampled_from(["day", "lifetime", "tip", "refund", "paid", "failed", "month", "month"]), max_size=14))
def test_whatever_happened_in_whatever_months_they_follow_each_other_and_are_the_ledgers(steps: list[str]) -> None:
    with transaction.atomic(), paid_by_hand():
        shop, staff = Shop.open(points=5000), make_person("stan", is_staff=True)
        for number, what in enumerate(steps):
            if what == "month":
                months_pass()
            elif what == "tip":
                GiveTip().call(GiveTipInputs(shop.viewer.pk, shop.video.public_id, 7, str(number)))
            elif what == "refund":
                last = Purchase.objects.filter(refunded_at=None, credited_to=None).order_by("-id").first()
                with suppress(CannotRefund):
                    if last is not None:
                        RefundPurchase().call(RefundPurchaseInputs(last.pk, staff.pk, "because"))
            elif what in ("paid", "failed"):
                with suppress(CannotPayOut, Unacceptable):
                    asked = RequestPayoutInputs(shop.creator.pk, 20, str(number), True)
                    payout = RequestPayout(MovedClock(timedelta(days=30))).call(asked).payout
                    EndPayout().call(EndPayoutInputs(payout.pk, Payout.State(what), "By the bank.", "BANK 1", staff.pk))
            else:
                panel = panel_for(shop.viewer.pk, shop.video.public_id)
                assert panel is not None
                costs = {choice.quote.term: choice.quote.due_points for choice in panel.choices}
                if Term(what) in costs:
                    shop.unlock(Term(what), costs[Term(what)], version=panel.version)
        months_pass()
        issue_all()
        assert issue_all() == 0
        statements = of(shop)
        balance = 0
        for statement in statements:
            assert statement.opening_points == balance
            balance = statement.closing_points
            shown = figures_of(statement)
            assert sum(each.points for each in shown[:-1]) == shown[-1].points
            lines, _ = page_of(statement)
            assert sum(line.points for line in lines) == statement.closing_points - statement.opening_points
            assert not lines or lines[-1].balance == statement.closing_points
        assert balance == books.balance(Kind.EARNINGS, shop.video.channel_id).posted
        by_year: dict[int, list[int]] = {}
        for year, number in MonthlyStatement.objects.order_by("year", "number").values_list("year", "number"):
            by_year.setdefault(year, []).append(number)
        for numbers in by_year.values():
            assert numbers == list(range(1, len(numbers) + 1))
        assert {finding.name for finding in find()} & {"statement_differs", "statement_number_missing"} == set()
        transaction.set_rollback(True)


def test_it_is_issued_when_the_month_is_over_and_not_before() -> None:
    shop = Shop.open()
    shop.unlock(Term.DAY)
    assert "billing.monthly" in {each.name for each in declared_schedules()}
    issue_statements.func()
    assert [each.period() for each in of(shop)] == []
    year, month = this_month()
    with pytest.raises(CannotIssue, match="not over"):
        IssueStatement().call(IssueStatementInputs(shop.video.channel_id, year, month))
    following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=timezone.get_current_timezone())
    left = following - timezone.now()
    assert due(1000, MovedClock(left + timedelta(minutes=59))) == []
    assert (shop.video.channel_id, year, month) in due(1000, MovedClock(left + timedelta(minutes=61)))


def test_months_that_nobody_worked_in_are_made_up_for_in_their_order() -> None:
    shop = Shop.open()
    shop.unlock(Term.DAY)
    months_pass(3)
    issue_statements.func()
    statements = of(shop)
    assert len(statements) == 3
    assert [each.sale_points for each in statements] == [30, 0, 0]
    assert [each.opening_points for each in statements] == [0, 27, 27]


def test_a_month_is_issued_once_and_corrected_by_a_further_one() -> None:
    shop = Shop.open()
    shop.unlock(Term.DAY)
    first = issue(shop)
    assert issue(shop).pk == first.pk
    # A transfer that came to be recorded in a month whose statement was out.
    shop.unlock(Term.LIFETIME, 170)
    assert {"statement_differs"} <= {finding.name for finding in find()}
    second = issue(shop, "A sale was missing.")
    assert (second.number, second.corrects, second.sale_points) == (first.number + 1, first, 200)
    assert "statement_differs" not in {finding.name for finding in find()}
    assert issue(shop).pk == second.pk
    empty = Shop(make_person("edith"), shop.viewer, shop.video)
    channel = make_channel(empty.creator, "empty")
    with pytest.raises(CannotIssue, match="no statement of this month"):
        IssueStatement(AGES).call(IssueStatementInputs(channel.pk, *this_month(), "because"))
    with pytest.raises(Unacceptable):
        IssueStatement(AGES).call(IssueStatementInputs(channel.pk, 2026, 13))


@pytest.mark.parametrize(
    "change",
    ["UPDATE billing_monthlystatement SET reason = reason", "DELETE FROM billing_monthlystatement"],
)
def test_what_was_issued_is_neither_changed_nor_deleted(change: str) -> None:
    issue(Shop.open())
    refused = pytest.raises(DatabaseError, match="neither changed nor deleted")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_a_missing_number_is_found() -> None:
    shop = Shop.open()
    issue(shop)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_monthlystatement DISABLE TRIGGER USER")
        cursor.execute("UPDATE billing_monthlystatement SET number = number + 1")
    assert "statement_number_missing" in {finding.name for finding in find()}


def test_the_comparison_passes_over_a_channels_account_once_however_many_statements_it_has() -> None:
    shop = Shop.open()
    shop.unlock(Term.DAY)
    months_pass(2)
    shop.unlock(Term.LIFETIME, 170)
    months_pass(1)
    channel = new_channel("bob")
    other = Shop(channel.owner, shop.viewer, new_video(channel, VideoState.PUBLISHED))
    other.price(PRICES)
    other.unlock(Term.DAY)
    months_pass(1)
    issue_statements.func()
    assert [len(of(each)) for each in (shop, other)] == [4, 1]
    with CaptureQueriesContext(connection) as asked:
        assert list(wrong_statements()) == []
    assert len([each for each in asked.captured_queries if "ledger_entry" in each["sql"]]) == 2
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_monthlystatement DISABLE TRIGGER USER")
        # A month in which nothing moved: what it opened and closed with is the month's before.
        quiet = of(shop)[1]
        cursor.execute(
            "UPDATE billing_monthlystatement SET opening_points = opening_points + 1, closing_points = closing_points + 1 WHERE id = %s",
            [quiet.pk],
        )
    assert {row[1:] for row in wrong_statements()} == {
        (quiet.pk, "opening_points", quiet.opening_points + 1, quiet.opening_points),
        (quiet.pk, "closing_points", quiet.closing_points + 1, quiet.closing_points),
    }


def test_page_csv_json_and_api_say_the_same(client: Client) -> None:
    shop = Shop.open()
    shop.unlock(Term.DAY)
    statement = issue(shop)
    client.force_login(shop.creator)
    assert statement.label() in client.get("/studio/earnings/statements/").content.decode()
    here = f"/studio/earnings/statements/{statement.label()}"
    page = client.get(f"{here}/").content.decode()
    assert "Closing balance" in page
    document = json.loads(sent(client, f"{here}.json"))
    assert (document["number"], document["figures"][-1]) == (
        statement.label(),
        {"name": "closing", "count": None, "points": 27},
    )
    rows = list(csv.reader(io.StringIO(sent(client, f"{here}.csv"))))
    assert ["closing", "", "27"] in rows
    assert rows[-1][-3:] == ["27", "27", ""]
    api = client.get(f"/api/billing/earnings/statements/{statement.label()}").json()
    assert api["figures"] == document["figures"]
    listed = client.get("/api/billing/earnings/statements?limit=1").json()
    assert ([each["number"] for each in listed["statements"]], listed["next_before"]) == ([statement.label()], None)
    assert client.get("/api/billing/earnings/statements/2000-000001").json()["type"] == "/problems/no-such-statement"
    other = make_person("eve")
    make_channel(other, "eves")
    client.force_login(other)
    assert client.get(f"{here}/").status_code == 404
    assert client.get(f"/api/billing/earnings/statements/{statement.label()}").status_code == 404


def test_an_operator_corrects_with_a_reason(client: Client) -> None:
    shop = Shop.open()
    shop.unlock(Term.DAY)
    months_pass()
    issue_all()
    (first,) = of(shop)
    operator = make_person("olga", is_staff=True)
    operator.groups.add(Group.objects.get(name="operator"))
    client.force_login(operator)
    asked = {"action": "correct", "_selected_action": [first.pk], "reason": ""}
    path = "/operator/billing/monthlystatement/"
    assert "say why" in client.post(path, asked, follow=True).content.decode()
    assert "corrects" in client.post(path, {**asked, "reason": "The name was wrong."}, follow=True).content.decode()
    assert [each.reason for each in of(shop)] == ["", "The name was wrong."]
    kept = LogEntry.objects.get()
    assert (kept.user, kept.change_message) == (operator, f"It corrects {first}: The name was wrong.")


@pytest.mark.django_db(transaction=True)
def test_ten_workers_issue_each_once_and_without_gaps() -> None:
    shops = [Shop.open()]
    shops[0].unlock(Term.DAY)
    barrier = threading.Barrier(10)

    def one(_: int) -> int:
        try:
            barrier.wait(60)
            return issue(shops[0]).number
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        numbers = set(pool.map(one, range(10)))
    assert (len(numbers), MonthlyStatement.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("now", "month", "at"),
    [
        ("2026-02-14T12:00+00:00", "February 2026", "2026-03-01T02:10+00:00"),
        ("2026-03-01T00:00+00:00", "February 2026", "2026-03-01T02:10+00:00"),
        ("2026-03-01T02:09+00:00", "February 2026", "2026-03-01T02:10+00:00"),
        ("2026-03-01T02:10+00:00", "March 2026", "2026-04-01T02:10+00:00"),
        ("2026-12-31T23:59+00:00", "December 2026", "2027-01-01T02:10+00:00"),
        ("2026-01-31T23:00-05:00", "February 2026", "2026-03-01T02:10+00:00"),
    ],
)
def test_the_list_says_when_the_next_one_comes(now: str, month: str, at: str) -> None:
    found = next_statement(datetime.fromisoformat(now))
    assert (found.month, found.at) == (month, datetime.fromisoformat(at))
    (scheduled,) = [each.cron for each in declared_schedules() if each.name == "billing.monthly"]
    assert scheduled == f"{found.at.minute} {found.at.hour} * * *"


def test_where_none_was_issued_yet_the_page_says_when_in_the_creators_own_time(client: Client) -> None:
    shop = Shop.open()
    shop.unlock()
    client.force_login(shop.creator)
    soon = next_statement(timezone.now())
    page = client.get("/studio/earnings/statements/").content.decode()
    assert f"That of {soon.month} comes on {moment(soon.at)}." in page
    issue(shop)
    page = client.get("/studio/earnings/statements/").content.decode()
    assert f"The statement of {soon.month} comes on {moment(soon.at)}, if anything" in page
