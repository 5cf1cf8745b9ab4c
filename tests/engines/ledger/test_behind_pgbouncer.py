"""Ledger and sequences through a real PgBouncer in transaction mode: each transaction may meet another server connection."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor

from mutoscope.engines.ledger import InsufficientFunds, Ledger, Receipt
from mutoscope.engines.ledger.sealing import seal
from mutoscope.engines.ledger.verification import verify
from mutoscope.engines.postgres.conninfo import database_settings
from mutoscope.engines.sequences import GaplessSequence, LeasedSequence
from tests.engines.ledger.books import Books, fresh
from tests.engines.postgres.test_pgbouncer import Pooler, pooler  # noqa: F401 - a fixture

pytestmark = pytest.mark.pgbouncer
ALIAS = "pooled_ledger"
THREADS, POSTS = 8, 25


@pytest.fixture
def pooled(pooler: Pooler, django_db_blocker: pytest.FixtureRequest) -> Iterator[str]:  # noqa: F811
    """An alias behind the pooler, with the tables of ledger and sequences. More threads use it than it has connections."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        for url in (pooler.direct_url(), pooler.url()):
            connections.settings[ALIAS] = connections.configure_settings(
                {**connections.settings, ALIAS: database_settings(url)}
            )[ALIAS]
            if url == pooler.direct_url():
                # Without the signals of `manage.py migrate`, which look for tables of apps that are not wanted here.
                executor = MigrationExecutor(connections[ALIAS])
                executor.migrate(
                    [node for node in executor.loader.graph.leaf_nodes() if node[0] in ("ledger", "sequences")]
                )
                connections[ALIAS].close()
                del connections[ALIAS]
        try:
            yield ALIAS
        finally:
            connections[ALIAS].close()
            del connections[ALIAS]
            del connections.settings[ALIAS]


def in_threads(work: object, count: int = THREADS) -> None:
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)  # type: ignore[operator]
        except BaseException as error:
            errors.append(error)
        finally:
            connections[ALIAS].close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_the_ledger_stays_sound_behind_a_pooler(pooled: str) -> None:
    ledger = Ledger(pooled)
    books = Books.open(6 * THREADS * POSTS, ledger)

    def work(number: int) -> None:
        for step in range(POSTS):
            with transaction.atomic(using=pooled):
                receipt = ledger.post(books.unlock(2))
                if step % 5 == 0:
                    ledger.reverse(receipt.transfer_id, fresh("back"))
            hold = ledger.hold(books.unlock(3))
            (ledger.post_hold if step % 2 else ledger.void_hold)(hold.transfer_id, fresh(f"end {number}"))
        batch = ledger.post_each([books.unlock(2), books.unlock(10**9)])
        assert [type(result) for result in batch] == [Receipt, InsufficientFunds]

    in_threads(work)
    seal(pooled)
    report = verify(pooled)
    assert report.is_sound(), report.as_dict()
    spent = THREADS * (POSTS * 2 - 5 * 2 + POSTS // 2 * 3 + 2)
    assert books.posted(books.viewer) == 6 * THREADS * POSTS - spent


def test_no_number_comes_twice_behind_a_pooler(pooled: str, pooler: Pooler) -> None:  # noqa: F811
    leased = LeasedSequence(fresh("orders").replace(":", "_"), using=pooled, block=7)
    gapless = GaplessSequence("invoices", series=2026, using=pooled)
    numbers: list[int] = []
    invoices: list[int] = []
    guard = threading.Lock()

    def work(number: int) -> None:
        for step in range(POSTS):
            mine = leased.next()
            with transaction.atomic(using=pooled):
                invoice = gapless.next()
                if step % 4 == 0:
                    transaction.set_rollback(True, using=pooled)
            with guard:
                numbers.append(mine)
                if step % 4:
                    invoices.append(invoice)

    in_threads(work)
    leased.close()
    assert len(set(numbers)) == THREADS * POSTS
    assert sorted(invoices) == list(range(1, len(invoices) + 1))
    with psycopg.connect(pooler.direct_url()) as direct:
        left = direct.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchone()
    assert left == (0,), "a lock outlived its transaction, and would have followed the pooled connection"
