"""What cannot be meant is refused by the name of the field, before the database is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import transaction

from mutoscope.engines.ledger import Account, InvalidTransfer, Ledger, Transfer, credit, debit
from tests.engines.ledger.books import Books, fresh

pytestmark = pytest.mark.django_db

WEST = timezone(timedelta(hours=-5))
EAST = timezone(timedelta(hours=5))


@pytest.mark.parametrize(
    "moment",
    [
        datetime(9999, 12, 31, 23, 59, tzinfo=WEST),
        datetime.max.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=EAST),
        datetime(1899, 12, 31, 23, 59, tzinfo=UTC),
        datetime(2020, 1, 1),  # noqa: DTZ001
        "2020-01-01",
    ],
)
def test_a_moment_that_could_not_be_read_again_is_refused(moment: Any) -> None:
    books = Books.open()
    with pytest.raises(InvalidTransfer) as refused:
        Transfer(fresh("far"), (debit(books.viewer, 1), credit(books.creator, 1)), {}, moment)
    assert refused.value.field == "effective_at"
    posted = books.ledger.post(books.unlock(10))
    with pytest.raises(InvalidTransfer) as refused:
        books.ledger.reverse(posted.transfer_id, fresh("back"), effective_at=moment)
    assert refused.value.field == "effective_at"


@pytest.mark.parametrize("moment", [datetime(1900, 1, 1, tzinfo=UTC), datetime(8999, 12, 31, 18, tzinfo=WEST)])
def test_the_first_and_the_last_moment_are_kept_and_read(moment: datetime) -> None:
    books = Books.open()
    books.ledger.post(Transfer(fresh("far"), (debit(books.viewer, 1), credit(books.creator, 1)), {}, moment))
    assert books.ledger.statement(books.creator).lines[0].effective_at == moment


@pytest.mark.parametrize("lasts", [5, timedelta(0), timedelta(seconds=-1), timedelta.max])
def test_a_hold_that_lasts_no_time_or_for_ever_is_refused(lasts: Any) -> None:
    books = Books.open()
    with pytest.raises(InvalidTransfer) as refused:
        Ledger().hold(books.unlock(10), lasts=lasts)
    assert refused.value.field == "lasts"


@pytest.mark.parametrize("number", ["x", "1", True, 1.5, 0, -1, 2**63, None])
def test_a_number_that_is_none_is_refused_and_leaves_the_transaction_usable(number: Any) -> None:
    ledger = Ledger()
    refusals = {
        "transfer_id": [lambda: ledger.reverse(number, fresh("k"))],
        "hold_id": [lambda: ledger.post_hold(number, fresh("k")), lambda: ledger.void_hold(number, fresh("k"))],
        "account": [lambda: ledger.balance(number), lambda: ledger.balance_at(number, datetime.now(UTC))],
        "limit": [lambda: ledger.expire_holds(number)] if number != 2**63 else [],
    }
    for field, calls in refusals.items():
        for call in calls:
            with pytest.raises(InvalidTransfer) as refused:
                call()
            assert refused.value.field == field
    Books.open()


@pytest.mark.parametrize("limit", ["no", 1, 0, None])
def test_a_limit_is_true_or_false(limit: Any) -> None:
    with pytest.raises(InvalidTransfer, match="may_go_negative must be True or False"):
        Ledger().open_account(fresh("odd"), "points", "PTS", may_go_negative=limit)


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d", "", "x" * 201, 5])
def test_a_text_that_postgresql_cannot_store_is_refused(text: Any) -> None:
    books = Books.open()
    for field in ("owner", "kind", "currency"):
        with pytest.raises(InvalidTransfer) as refused:
            books.ledger.open_account(**{"owner": fresh("o"), "kind": "k", "currency": "c", field: text})
        assert refused.value.field == field
    with pytest.raises(InvalidTransfer, match=r"^key "):
        Transfer(text, (debit(books.viewer, 1), credit(books.creator, 1)))


@pytest.mark.parametrize("metadata", [{"a": "b\0"}, {"a\0": 1}, {"a": ["\ud83d"]}, {"a": float("nan")}, {"a": {1, 2}}])
def test_metadata_that_postgresql_cannot_store_is_refused(metadata: Any) -> None:
    books = Books.open()
    transfer = Transfer(fresh("k"), (debit(books.viewer, 1), credit(books.creator, 1)), metadata)
    calls = [
        lambda: books.ledger.post(transfer),
        lambda: books.ledger.post_each([transfer]),
        lambda: books.ledger.hold(transfer),
    ]
    for call in calls:
        with pytest.raises(InvalidTransfer, match=r"^metadata "):
            call()
    assert books.posted(books.viewer) == 100


def test_metadata_may_have_any_whole_character_and_may_write_about_nul() -> None:
    books = Books.open()
    metadata = {"emoji": "\N{GRINNING FACE}", "says": "\\u0000", "and": "\\\\u0000", "escape": "\x01"}
    legs = (debit(books.viewer, 1), credit(books.creator, 1))
    books.ledger.post(Transfer(fresh("k"), legs, metadata))
    assert books.ledger.statement(books.creator).lines[0].metadata == metadata


def test_an_account_that_does_not_exist_is_said_so_by_every_answer() -> None:
    ledger = Ledger()
    nobody = Account(2**62, "nobody", "points", "PTS")
    for answer in (ledger.balance, ledger.statement, lambda account: ledger.balance_at(account, datetime.now(UTC))):
        with pytest.raises(LookupError, match="there is no account"):
            answer(nobody)
    opened = ledger.open_account(fresh("new"), "points", "PTS")
    assert ledger.statement(opened).lines == ()
    assert ledger.balance_at(opened, datetime.now(UTC)) == 0


def test_a_balance_beyond_what_can_be_counted_is_refused_by_name() -> None:
    books = Books.open(viewer_points=0)
    books.fund(books.viewer, 2**63 - 1)
    more = Transfer(fresh("more"), (debit(books.source, 1), credit(books.viewer, 1)))
    for post in (books.ledger.post, lambda transfer: books.ledger.post_each([transfer])):
        with pytest.raises(InvalidTransfer, match=r"^legs would bring a balance out of range"), transaction.atomic():
            post(more)
    assert books.posted(books.viewer) == 2**63 - 1
