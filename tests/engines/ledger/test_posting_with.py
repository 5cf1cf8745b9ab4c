"""Posting a transfer together with rows of the caller's: one round trip, all or nothing, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from mutoscope.engines.ledger import InsufficientFunds, InvalidTransfer, KeyReused, Transfer, credit, debit
from tests.engines.ledger.books import Books, fresh

pytestmark = pytest.mark.django_db

ROW = "INSERT INTO right_of_way (viewer, transfer_id) SELECT %s::bigint, transfer_id FROM posted"


@pytest.fixture(autouse=True)
def rights() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE right_of_way (viewer bigint CHECK (viewer > 0), transfer_id bigint NOT NULL)"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS right_of_way")


def rows() -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT viewer, transfer_id FROM right_of_way ORDER BY transfer_id")
        return cursor.fetchall()


def test_the_row_is_written_with_the_transfer_and_names_it() -> None:
    books = Books.open()
    receipt = books.ledger.post_with(books.unlock(30), ROW, (7,))
    assert rows() == [(7, receipt.transfer_id)]
    assert books.posted(books.viewer) == 70


def test_a_repeat_returns_the_first_result_and_writes_no_second_row() -> None:
    books = Books.open()
    unlock = books.unlock(30)
    first = books.ledger.post_with(unlock, ROW, (7,))
    second = books.ledger.post_with(unlock, ROW, (7,))
    assert (second.transfer_id, second.repeated) == (first.transfer_id, True)
    assert len(rows()) == 1


def test_a_refusal_writes_neither_and_leaves_the_transaction_usable() -> None:
    books = Books.open(viewer_points=10)
    unlock = books.unlock(5)
    with transaction.atomic():
        books.ledger.post_with(unlock, ROW, (7,))
        with pytest.raises(InsufficientFunds):
            books.ledger.post_with(books.unlock(30), ROW, (8,))
        other = Transfer(unlock.key, (debit(books.viewer, 1), credit(books.creator, 1)))
        with pytest.raises(KeyReused):
            books.ledger.post_with(other, ROW, (9,))
        assert len(rows()) == 1
    assert books.posted(books.viewer) == 5


def test_a_row_that_is_refused_takes_the_transfer_with_it() -> None:
    books = Books.open()
    unlock = books.unlock(30)
    with pytest.raises(IntegrityError), transaction.atomic():
        books.ledger.post_with(unlock, ROW, (-1,))
    assert books.posted(books.viewer) == 100
    assert not books.ledger.post_with(unlock, ROW, (7,)).repeated


def test_legs_that_the_database_refuses_are_named_as_ever() -> None:
    books = Books.open()
    wrong = Transfer(fresh("unlock"), (debit(books.viewer, 30), credit(2**62, 30)))
    with pytest.raises(InvalidTransfer, match="legs"), transaction.atomic():
        books.ledger.post_with(wrong, ROW, (7,))
    assert rows() == []


def test_backdated_with_an_update_and_a_percent_sign() -> None:
    books = Books.open()
    books.ledger.post_with(books.unlock(10), ROW, (7,))
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    legs = (debit(books.viewer, 30), credit(books.creator, 30))
    receipt = books.ledger.post_with(
        Transfer(fresh("late"), legs, {}, moment),
        "UPDATE right_of_way SET transfer_id = posted.transfer_id FROM posted WHERE viewer %% 7 = %s",
        (0,),
    )
    assert rows() == [(7, receipt.transfer_id)]
    assert books.ledger.balance_at(books.viewer, moment, by_effective_time=True) == -30


def test_what_the_statement_cannot_read_is_an_error_and_nothing_is_posted() -> None:
    books = Books.open()
    with pytest.raises(DataError), transaction.atomic():
        books.ledger.post_with(books.unlock(30), ROW, ("seven",))
    assert books.posted(books.viewer) == 100


@pytest.mark.parametrize("end", [";", " ; \n", " -- and that is all", " /* all */;"])
def test_a_statement_may_end_as_it_does_in_a_file(end: str) -> None:
    books = Books.open()
    receipt = books.ledger.post_with(books.unlock(30), ROW + end, (7,))
    assert rows() == [(7, receipt.transfer_id)]


@pytest.mark.parametrize("values", [(), (7, 8)])
def test_values_are_counted_as_the_caller_counts_them(values: tuple[int, ...]) -> None:
    books = Books.open()
    with pytest.raises(
        InvalidTransfer, match=f"^values must be 1, one for each %s of the statement, not {len(values)}$"
    ):
        books.ledger.post_with(books.unlock(30), ROW, values)
    assert books.posted(books.viewer) == 100
