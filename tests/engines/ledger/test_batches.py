"""A transfer that comes twice in one batch, as it does when a file or a queue delivers it again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from threading import Thread

import pytest
from django.db import connection, transaction

from mutoscope.engines.ledger import InsufficientFunds, KeyReused, Receipt, Transfer, credit, debit
from mutoscope.engines.services import Failure
from tests.engines.ledger.books import Books, fresh

pytestmark = pytest.mark.django_db


def kinds(outcomes: list[Receipt | Failure]) -> list[str]:
    return ["repeated" if isinstance(each, Receipt) and each.repeated else type(each).__name__ for each in outcomes]


def test_the_same_transfer_twice_is_one_and_the_second_is_a_repeat() -> None:
    books = Books.open(viewer_points=30)
    unlock = books.unlock(30)
    first, second = books.ledger.post_each([unlock, unlock])
    assert isinstance(first, Receipt)
    assert isinstance(second, Receipt)
    assert (second.transfer_id, second.recorded_at, first.repeated, second.repeated) == (
        first.transfer_id,
        first.recorded_at,
        False,
        True,
    )
    assert books.posted(books.viewer) == 0
    assert kinds(books.ledger.post_each([unlock, unlock])) == ["repeated", "repeated"]


def test_a_repeat_takes_no_money_from_those_after_it() -> None:
    books = Books.open(viewer_points=100)
    unlock = books.unlock(30)
    assert kinds(books.ledger.post_each([unlock, unlock, unlock, books.unlock(70)])) == [
        "Receipt",
        "repeated",
        "repeated",
        "Receipt",
    ]


def test_content_is_compared_as_the_database_compares_it() -> None:
    books = Books.open()
    legs = (debit(books.viewer, 10), credit(books.creator, 10))
    moment = datetime(2020, 1, 1, 12, tzinfo=UTC)
    key = fresh("same")
    first = Transfer(key, legs, {"a": 1, "b": 2}, moment)
    turned = Transfer(key, legs[::-1], {"b": 2, "a": 1}, moment.astimezone(timezone(timedelta(hours=5))))
    others = [
        Transfer(key, legs, {"a": True, "b": 2}, moment),
        Transfer(key, legs, {"a": 1, "b": 2}),
        Transfer(key, (debit(books.viewer, 11), credit(books.creator, 11)), {"a": 1, "b": 2}, moment),
    ]
    assert kinds(books.ledger.post_each([first, turned, *others])) == ["Receipt", "repeated", *["KeyReused"] * 3]
    assert books.posted(books.viewer) == 90


def test_the_repeat_of_a_refused_transfer_is_refused_alike() -> None:
    books = Books.open(viewer_points=20)
    unlock = books.unlock(30)
    first, second = books.ledger.post_each([unlock, unlock])
    assert isinstance(first, InsufficientFunds)
    assert isinstance(second, InsufficientFunds)
    assert first.data() == second.data()


def test_twice_in_one_link_is_once() -> None:
    books = Books.open(viewer_points=50)
    unlock = books.unlock(20)
    receipts = books.ledger.post_linked(unlock, books.unlock(30), unlock)
    assert [receipt.repeated for receipt in receipts] == [False, False, True]
    assert books.posted(books.viewer) == 0


def test_what_is_linked_to_a_repeat_of_another_link_does_not_post_without_it() -> None:
    books = Books.open(viewer_points=100)
    unlock = books.unlock(20)
    outcomes = books.ledger.post_each([(unlock, books.unlock(30)), (unlock, books.unlock(30)), unlock])
    assert kinds(outcomes) == ["Receipt", "Receipt", "repeated", "LinkedRefused", "repeated"]
    assert books.posted(books.viewer) == 50

    others = Books.open(viewer_points=100)
    short = books.unlock(10)
    outcomes = books.ledger.post_each([(short, books.unlock(90)), (short, others.unlock(20))])
    assert kinds(outcomes) == ["LinkedRefused", "InsufficientFunds", "LinkedRefused", "LinkedRefused"]
    assert (books.posted(books.viewer), others.posted(others.viewer)) == (50, 100)


def test_a_key_that_an_earlier_transfer_has_is_judged_by_that_one() -> None:
    books = Books.open()
    unlock = books.unlock(30)
    books.ledger.post(unlock)
    other = Transfer(unlock.key, (debit(books.viewer, 1), credit(books.creator, 1)))
    outcomes = books.ledger.post_each([other, unlock, other, unlock])
    assert kinds(outcomes) == ["KeyReused", "repeated", "KeyReused", "repeated"]
    assert isinstance(outcomes[2], KeyReused)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same", [True, False])
def test_a_key_that_is_written_by_another_meanwhile_is_known_when_it_is_there(same: bool) -> None:
    """Who may go below zero is not locked, so that the two meet at the key alone."""
    books = Books.open(viewer_points=0)
    first = Transfer(fresh("race"), (debit(books.source, 5), credit(books.viewer, 5)))
    second = first if same else Transfer(first.key, (debit(books.source, 6), credit(books.viewer, 6)))
    other = Transfer(fresh("race"), (debit(books.source, 1), credit(books.viewer, 1)))
    answers: list[Receipt | Failure] = []

    def ask() -> None:
        try:
            answers.extend(books.ledger.post_each([other, second]))
        finally:
            connection.close()

    asking = Thread(target=ask)
    with transaction.atomic():
        books.ledger.post(first)
        asking.start()
        with connection.cursor() as cursor:
            waits = 0
            while not waits:
                cursor.execute("SELECT pg_stat_clear_snapshot()")
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'transactionid'"
                )
                (waits,) = cursor.fetchone()
    asking.join()
    assert kinds(answers) == ["Receipt", "repeated" if same else "KeyReused"]
    assert books.posted(books.viewer) == 6
