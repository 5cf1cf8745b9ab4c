"""Statements as files: the same lines as on the pages, and no more held or read at once than a page of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import StreamingHttpResponse
from django.test import Client

from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.monthly.shown import page_of, pages_of
from mutoscope.platform.billing.wallet.files import TooSlow, as_csv, as_json, sent_as_file
from mutoscope.platform.billing.wallet.statement import every_page, newest_lines
from tests.platform.billing.monthly.test_statements import issue
from tests.platform.billing.shop import Shop, give
from tests.platform.billing.wallet.sent import sent

pytestmark = pytest.mark.django_db

PAGE = 3


@pytest.fixture
def shop() -> Shop:
    """Ten lines in the viewer's wallet, nine in the creator's earnings."""
    shop = Shop.open()
    shop.unlock(Term.DAY)
    for _ in range(8):
        shop.unlock(Term.DAY)
    return shop


@contextmanager
def statements_asked() -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the ledger's entries from here on, with its parameters."""
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if "ledger_entry" in sql:
            asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield asked


# The indexes by which the ledger finds an account's entries.
BY_ACCOUNT = ("ledger_journal_by_", "ledger_entry_apart_pkey")


def entries_read(sql: str, params: Any) -> int:
    """How many rows of the ledger's entries PostgreSQL reads for a statement, by the plan that it has for an account of many."""
    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
        plan = cursor.fetchone()[0]

    def rows(node: dict[str, Any]) -> int:
        own = node["Actual Rows"] * node["Actual Loops"] if node.get("Index Name", "").startswith(BY_ACCOUNT) else 0
        return int(own) + sum(rows(each) for each in node.get("Plans", ()))

    return rows((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])


def test_the_file_says_what_the_ledger_says_with_every_balance(shop: Shop, client: Client) -> None:
    account = books.find_account(Kind.POINTS, shop.viewer.pk)
    assert account is not None
    expected = [(line.transfer_id, line.amount, line.balance) for line in books.ledger().statement(account).lines]
    lines = [line for page in every_page(account, PAGE) for line in page]
    assert [(line.transfer_id, line.points, line.balance) for line in reversed(lines)] == expected
    assert lines == newest_lines(account)[0]
    client.force_login(shop.viewer)
    answer = client.get("/wallet/statement.csv")
    assert isinstance(answer, StreamingHttpResponse)
    assert answer["Content-Disposition"] == 'attachment; filename="statement.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [(int(row["number"]), int(row["points"]), int(row["balance"])) for row in reversed(rows)] == expected


@pytest.mark.parametrize("lines", [0, 1, PAGE, 10])
def test_in_pages_a_file_is_the_same_as_in_one_piece(shop: Shop, lines: int) -> None:
    account = books.find_account(Kind.POINTS, shop.viewer.pk) if lines else None
    every = newest_lines(account, limit=100)[0]
    limit = max(lines, 1)
    document = {"channel": "ada", "unit": "points"}
    whole = json.dumps({**document, "lines": [line.as_dict() for line in every]})
    assert "".join(as_json(document, every_page(account, limit))) == whole
    assert "".join(as_csv(every_page(account, limit))) == "".join(as_csv([every]))


def test_a_file_is_read_by_one_statement_a_page_at_a_time(shop: Shop) -> None:
    account = books.find_account(Kind.POINTS, shop.viewer.pk)
    with statements_asked() as asked:
        assert [len(page) for page in every_page(account, PAGE)] == [3, 3, 3, 1]
    assert len(asked) == 1
    # Twice the lines: each for itself, and once for the sum of all.
    assert entries_read(*asked[0]) <= 2 * 10


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_late_under_a_lower_number_is_in_no_line_and_no_balance_of_a_file() -> None:
    shop = Shop.open()
    shop.unlock(Term.DAY)
    account = books.find_account(Kind.POINTS, shop.viewer.pk)
    drawn, may_commit = Event(), Event()

    def give_late() -> None:
        try:
            with transaction.atomic():
                give(shop.viewer, 70)
                drawn.set()
                assert may_commit.wait(60)
        finally:
            connection.close()

    late = Thread(target=give_late)
    late.start()
    assert drawn.wait(60)
    # Above it.
    for _ in range(4):
        give(shop.viewer, 1)
    pages = every_page(account, 2)
    lines = next(pages)
    may_commit.set()
    late.join()
    lines += [line for page in pages for line in page]
    assert [line.points for line in lines] == [1, 1, 1, 1, -30, 1000]
    assert [line.balance for line in lines] == [974, 973, 972, 971, 970, 1000]
    # The next file has it, at its place.
    again = [line for page in every_page(account, 2) for line in page]
    assert [line.points for line in again] == [1, 1, 1, 1, 70, -30, 1000]
    assert [line.balance for line in again] == [1044, 1043, 1042, 1041, 1040, 970, 1000]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("piece_bytes", [10, 10**6])
def test_while_a_client_takes_a_file_no_connection_is_held_and_nothing_is_asked(piece_bytes: int) -> None:
    shop = Shop.open()
    shop.unlock(Term.DAY)
    account = books.find_account(Kind.POINTS, shop.viewer.pk)
    answer = sent_as_file(as_csv(every_page(account, PAGE)), "statement", "csv", piece_bytes=piece_bytes)
    assert isinstance(answer, StreamingHttpResponse)
    assert connection.connection is None
    body = answer.getvalue()
    assert connection.connection is None
    answer.close()
    assert int(answer["Content-Length"]) == len(body)
    assert body.decode() == "".join(as_csv(every_page(account)))


def test_what_goes_wrong_while_a_file_is_read_is_an_error_and_no_short_file(shop: Shop) -> None:
    def breaks() -> Iterator[str]:
        yield "number,at\n"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        sent_as_file(breaks(), "statement", "csv")


def test_only_so_many_large_files_are_sent_at_once_and_small_ones_always(shop: Shop, settings: Any) -> None:
    settings.LARGE_FILES_AT_ONCE = 1
    large, small = ["number"] * 10, ["number"]
    first = sent_as_file(large, "a", "csv", piece_bytes=10)
    second = sent_as_file(large, "b", "csv", piece_bytes=10)
    assert (second.status_code, second["Retry-After"]) == (503, "60")
    beside = sent_as_file(small, "c", "csv", piece_bytes=10)
    assert beside.status_code == 200
    beside.close()
    first.close()
    third = sent_as_file(large, "d", "csv", piece_bytes=10)
    assert third.status_code == 200
    third.close()


def test_whoever_takes_a_large_file_too_slowly_is_cut_off(shop: Shop) -> None:
    answer = sent_as_file(["number"] * 10, "a", "csv", piece_bytes=10, send_s_max=-1)
    assert isinstance(answer, StreamingHttpResponse)
    with pytest.raises(TooSlow):
        answer.getvalue()
    answer.close()
    small = sent_as_file(["number"], "a", "csv", piece_bytes=10, send_s_max=-1)
    assert isinstance(small, StreamingHttpResponse)
    assert small.getvalue() == b"number"
    small.close()


def test_the_ledgers_pages_carry_the_balance_too(shop: Shop) -> None:
    account = books.find_account(Kind.EARNINGS, shop.video.channel_id)
    assert account is not None
    whole = books.ledger().statement(account).lines
    with statements_asked() as asked:
        pages = list(books.ledger().statement_pages(account, limit=PAGE))
    assert [line for page in pages for line in page.lines] == list(whole)
    assert max(entries_read(*each) for each in asked) <= PAGE + 1


def test_a_months_page_and_document_hold_so_many_lines_and_all_of_them_one_after_the_other(
    shop: Shop, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = issue(shop)
    whole = [line.as_dict() for page in pages_of(statement) for line in page]
    client.force_login(shop.creator)
    document = f"/api/billing/earnings/statements/{statement.label()}"
    got: list[Any] = []
    after: int | None = 0
    while after is not None:
        answer = client.get(document, {"after": after, "limit": PAGE}).json()
        assert len(answer["lines"]) <= PAGE
        assert answer["figures"][-1]["points"] == statement.closing_points
        got, after = [*got, *answer["lines"]], answer["next_after"]
    assert [(line["number"], line["points"], line["balance"]) for line in got] == [
        (line["number"], line["points"], line["balance"]) for line in whole
    ]
    assert client.get(document, {"limit": 1001}).status_code == 422

    monkeypatch.setattr("mutoscope.platform.billing.monthly.endpoints.STATEMENT_PAGE_LINES", PAGE)
    page = f"/studio/earnings/statements/{statement.label()}/"
    first: Any = client.get(page)
    assert (len(first.context["lines"]), first.context["next_after"]) == (PAGE, whole[PAGE - 1]["number"])
    assert f'href="?after={first.context["next_after"]}#transfers"' in first.content.decode()
    second: Any = client.get(page, {"after": first.context["next_after"]})
    assert second.context["lines"][0].balance == whole[PAGE]["balance"]
    assert second.context["brought_forward"] == whole[PAGE - 1]["balance"]
    for part in ("From the beginning", "Brought forward", "Transfers, continued"):
        assert part in second.content.decode()
        assert part not in first.content.decode()
    for odd in ("-1", "x", "9" * 30, "\u0663"):
        assert client.get(page, {"after": odd}).status_code == 200


def test_a_month_is_sent_in_pages_with_the_same_balances(shop: Shop, client: Client) -> None:
    statement = issue(shop)
    with statements_asked() as asked:
        pages = list(pages_of(statement, PAGE))
    assert [len(page) for page in pages] == [3, 3, 3, 0]
    assert len(asked) == 4
    whole, next_after = page_of(statement)
    assert ([line for page in pages for line in page], None) == (whole, next_after)
    assert pages[2][-1].balance == statement.closing_points
    client.force_login(shop.creator)
    here = f"/studio/earnings/statements/{statement.label()}"
    assert sent(client, f"{here}.csv").splitlines()[0] == f"statement,{statement.label()},ada,{statement.period()}"
    document = json.loads(sent(client, f"{here}.json"))
    api = client.get(f"/api/billing/earnings/statements/{statement.label()}").json()
    # The file has every line.
    assert [*document, "next_after"] == list(api)
    for said in (document, api):
        assert [line["balance"] for line in said["lines"]] == [27 * number for number in range(1, 10)]
