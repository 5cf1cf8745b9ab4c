"""How PostgreSQL reads one account's entries where nearly all payments have the same second payee."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest

from mutoscope.engines.ledger import Ledger
from mutoscope.engines.postgres.embedded import EmbeddedServer
from tests.engines.ledger.books import Books
from tests.engines.ledger.own import ALIAS, own_ledger

PAYMENTS = """
INSERT INTO ledger_payment (key, payer, payee, amount, payee_2, amount_2)
SELECT 'many ' || n, %s, %s::bigint + n %% 2, 9, %s, 1 FROM generate_series(1, 4000) n
"""


@pytest.fixture(scope="module")
def busy(postgres_server: EmbeddedServer, django_db_blocker: object) -> Iterator[tuple[str, Books]]:
    """A ledger in which the platform is paid 4,000 times, as the second of two."""
    with own_ledger(postgres_server, django_db_blocker) as url:
        books = Books.open(100_000, Ledger(ALIAS))
        payees = [books.ledger.open_account("popular", f"creator {number}", "PTS").id for number in range(2)]
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute(PAYMENTS, (books.viewer.id, payees[0], books.platform.id))
            owner.execute("VACUUM ANALYZE")
        yield url, books


def plan(url: str, statement: str, account: int, *, known: bool) -> str:
    """How an account's rows are read, by a plan that is made with its number in sight or without."""
    with psycopg.connect(url, autocommit=True) as owner:
        if known:
            return "\n".join(
                row[0] for row in owner.execute(f"EXPLAIN {statement}".replace("$1", str(account)).encode())
            )
        owner.execute("SET plan_cache_mode = force_generic_plan")
        owner.execute(f"PREPARE reads (bigint) AS {statement}".encode())
        return "\n".join(row[0] for row in owner.execute(f"EXPLAIN EXECUTE reads({account})".encode()))


@pytest.mark.parametrize("known", [True, False])
def test_the_journal_is_not_read_for_an_account_of_few_rows(busy: tuple[str, Books], known: bool) -> None:
    url, books = busy
    found = plan(url, "SELECT sum(amount) FROM ledger_entry WHERE account_id = $1", books.creator.id, known=known)
    assert "Seq Scan on ledger_journal" not in found, found
    assert len(set(re.findall("ledger_journal_by_[a-z0-9_]+", found))) == 3, found


def test_the_journal_is_not_read_for_accounts_that_another_table_names(busy: tuple[str, Books]) -> None:
    url, books = busy
    statement = (
        "SELECT sum(e.amount) FROM ledger_account a JOIN ledger_entry e ON e.account_id = a.id"
        " WHERE a.id = $1 AND a.kind = 'creator'"
    )
    found = plan(url, statement, books.creator.id, known=False)
    assert "Seq Scan on ledger_journal" not in found, found


@pytest.mark.parametrize("order", ["ASC", "DESC"])
@pytest.mark.parametrize("known", [True, False])
def test_a_page_of_the_busiest_account_is_merged_from_indexes(busy: tuple[str, Books], known: bool, order: str) -> None:
    url, books = busy
    page = (
        "SELECT transfer_id, amount FROM ledger_entry WHERE account_id = $1 AND transfer_id > 100"
        f" ORDER BY transfer_id {order} LIMIT 10"
    )
    found = plan(url, page, books.platform.id, known=known)
    assert "Merge Append" in found, found
    assert "Sort  (" not in found, found
