from __future__ import annotations

import csv
import io
import json
import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from mutoscope.engines.ledger import Ledger, Transfer, credit, debit
from mutoscope.engines.ledger.sealing import SealingBlocked, seal
from mutoscope.engines.ledger.verification import verify
from tests.engines.ledger.books import Books, fresh
from tests.engines.ledger.own import ALIAS, own  # noqa: F401 - a fixture

# Each of these reaches past the guards, as somebody with the right to ALTER TABLE could, and must be noticed.
TAMPERINGS = {
    "misshapen": "UPDATE ledger_journal SET amount_2 = NULL WHERE payee_2 IS NOT NULL",
    "unbalanced": "UPDATE ledger_journal SET particulars.amounts[1] = (particulars).amounts[1] - 1 WHERE (particulars).kind = 'reversal'",
    "payments_differ": "UPDATE ledger_journal SET payee_2 = 4611686018427387904 WHERE payee_2 IS NOT NULL",
    "unfaithful": "UPDATE ledger_journal SET particulars.refers_to = 1 WHERE (particulars).kind = 'reversal'",
    "entries_differ": "UPDATE ledger_entry_apart SET amount = amount + 1 WHERE transfer_id = (SELECT min(transfer_id) FROM ledger_entry_apart)",
    "balances_differ": "UPDATE ledger_account SET available = available + 1 WHERE id = (SELECT max(id) FROM ledger_account)",
    "currency_sums": "UPDATE ledger_account SET available = available + 1 WHERE id = (SELECT max(id) FROM ledger_account)",
    "held_differs": "UPDATE ledger_account SET held = held + 1 WHERE id = (SELECT max(id) FROM ledger_account)",
    "open_holds_differ": "DELETE FROM ledger_open_hold",
    "references_differ": "DELETE FROM ledger_reference",
    "snapshots_differ": "UPDATE ledger_snapshot SET balance = balance + 1",
    "overdrawn": "ALTER DOMAIN ledger_not_negative DROP CONSTRAINT ledger_account_not_overdrawn; UPDATE ledger_account SET available = -1 WHERE kind = 'viewer'",
    "keys_repeated": "ALTER TABLE ledger_journal DROP CONSTRAINT ledger_journal_key_once; UPDATE ledger_journal SET key = 'same'",
    "guards_missing": "DROP TRIGGER ledger_entry_append_only ON ledger_entry_apart",
    "chain": "UPDATE ledger_journal SET metadata = '{\"video\": 8}' WHERE id = 2",
}


def filled() -> Books:
    books = Books.open(1000, Ledger(ALIAS))
    for _ in range(5):
        last = books.ledger.post(books.unlock(30))
    books.ledger.reverse(last.transfer_id, fresh("refund"))
    books.ledger.hold(books.unlock(40))
    return books


def test_verify_finds_a_sound_ledger_sound(own: str) -> None:  # noqa: F811
    filled()
    seal(ALIAS)
    report = verify(ALIAS)
    assert report.is_sound(), report.as_dict()
    assert (report.transfers, report.sealed) == (8, 8)


@pytest.mark.parametrize("check", TAMPERINGS)
def test_verify_notices_what_got_past_the_guards(own: str, check: str) -> None:  # noqa: F811
    filled()
    seal(ALIAS)
    with psycopg.connect(own, autocommit=True) as owner:
        tables = ("account", "sub_balance", "journal", "entry_apart", "reference", "open_hold", "snapshot")
        for table in tables:
            owner.execute(f"ALTER TABLE ledger_{table} DISABLE TRIGGER USER".encode())
        owner.execute(TAMPERINGS[check].encode())
        for table in tables:
            owner.execute(f"ALTER TABLE ledger_{table} ENABLE TRIGGER USER".encode())
    broken = {found.name for found in verify(ALIAS).checks if found.problems}
    assert check in broken


def test_the_chain_goes_on_where_it_ended_and_its_head_changes(own: str) -> None:  # noqa: F811
    books = filled()
    assert seal(ALIAS).transfers == 8
    first = verify(ALIAS).head
    assert seal(ALIAS).transfers == 0
    books.ledger.post(books.unlock(30))
    assert seal(ALIAS).transfers == 1
    report = verify(ALIAS)
    assert report.is_sound(), report.as_dict()
    assert report.head != first


def test_sealing_waits_for_a_transfer_whose_id_is_drawn_and_not_yet_visible(own: str) -> None:  # noqa: F811
    books = filled()
    entered, leave = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    def slow() -> None:
        try:
            with transaction.atomic(using=ALIAS):
                books.ledger.post(books.unlock(10))
                entered.set()
                leave.wait(60)
        except BaseException as error:
            errors.append(error)
        finally:
            from django.db import connections

            connections[ALIAS].close()

    thread = threading.Thread(target=slow)
    thread.start()
    entered.wait(60)
    other = Books.open(50, Ledger(ALIAS))
    other.ledger.post(other.unlock(20))
    with pytest.raises(SealingBlocked):
        seal(ALIAS, wait_s=0.1)
    leave.set()
    thread.join()
    assert errors == []
    assert seal(ALIAS).transfers == 11
    assert verify(ALIAS).is_sound()


def test_a_balance_at_a_past_moment_is_the_same_with_and_without_seals(own: str) -> None:  # noqa: F811
    books = Books.open(1000, Ledger(ALIAS))
    moments = []
    for _ in range(6):
        books.ledger.post(books.unlock(10))
        moments.append(datetime.now(UTC))
    before = [books.ledger.balance_at(books.creator, moment) for moment in moments]
    assert before == [9, 18, 27, 36, 45, 54]
    seal(ALIAS, snapshot=True)
    books.ledger.post(books.unlock(10))
    seal(ALIAS, snapshot=True)
    assert [books.ledger.balance_at(books.creator, moment) for moment in moments] == before
    assert books.ledger.balance_at(books.creator, datetime.now(UTC) + timedelta(days=1)) == 63
    assert books.ledger.balance_at(books.creator, datetime.now(UTC) - timedelta(days=1)) == 0
    assert verify(ALIAS).is_sound()


def test_a_statement_runs_over_pages_and_snapshots(own: str) -> None:  # noqa: F811
    books = Books.open(1000, Ledger(ALIAS))
    for number in range(7):
        books.ledger.post(books.unlock(10))
        if number == 3:
            seal(ALIAS, snapshot=True)
    pages = list(books.ledger.statement_pages(books.viewer, limit=3))
    assert [len(page.lines) for page in pages] == [3, 3, 2]
    balances = [line.balance for page in pages for line in page.lines]
    assert balances == [1000, 990, 980, 970, 960, 950, 940, 930]
    rows = list(csv.DictReader(io.StringIO(pages[1].as_csv())))
    assert [row["balance"] for row in rows] == ["970", "960", "950"]
    assert json.loads(rows[0]["metadata"]) == {"video": 7}
    assert [line["balance"] for line in json.loads(pages[2].as_json())["lines"]] == [940, 930]


def test_a_spreadsheet_runs_no_formula_out_of_a_statement(own: str) -> None:  # noqa: F811
    books = Books.open(100, Ledger(ALIAS))
    books.ledger.post(Transfer("=HYPERLINK(1)", (debit(books.viewer, 1), credit(books.creator, 1))))
    assert "'=HYPERLINK(1)" in books.ledger.statement(books.creator).as_csv()


def test_the_trial_balance_sums_to_zero(own: str) -> None:  # noqa: F811
    books = filled()
    lines = books.ledger.trial_balance()
    assert sum(line.balance for line in lines) == 0
    assert {line.kind: line.balance for line in lines}["creator"] == 108


def test_the_commands_answer(own: str, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    books = filled()

    def asked(*words: str) -> str:
        call_command("ledger", "--database", ALIAS, *words)
        return capsys.readouterr().out

    path = str(books.viewer)
    assert json.loads(asked("balance", path, "--json")) == {
        "account": path,
        "posted": 880,
        "held": 40,
        "available": 840,
    }
    assert json.loads(asked("balance", path, "--at", "2020-01-01T00:00:00+00:00", "--json"))["posted"] == 0
    assert len(json.loads(asked("statement", path, "--json"))["lines"]) == 7
    assert "880" in asked("statement", path)
    assert asked("statement", path, "--csv").count("\n") == 8
    assert json.loads(asked("seal", "--json"))["transfers"] == 8
    assert json.loads(asked("verify", "--json"))["sound"] is True
    assert "Head of the chain" in asked("verify")
    assert [json.loads(line)["kind"] for line in asked("export").splitlines()] == ["single"] * 6 + ["reversal", "hold"]
    assert asked("export", "--csv").count("\n") == 1 + 2 + 5 * 3 + 3 + 3
    assert len(json.loads(asked("trial-balance", "--json"))) == 4
    assert json.loads(asked("expire", "--json")) == {"expired": 0}
    with pytest.raises(CommandError, match="There is no account"):
        asked("balance", "nobody")
    with pytest.raises(CommandError, match="is no moment"):
        asked("balance", path, "--at", "yesterday")


def test_verify_fails_loudly(own: str) -> None:  # noqa: F811
    filled()
    with psycopg.connect(own, autocommit=True) as owner:
        owner.execute("ALTER TABLE ledger_account DISABLE TRIGGER ledger_account_by_doors")
    with pytest.raises(CommandError, match="not sound"):
        call_command("ledger", "--database", ALIAS, "verify")
