"""What cannot be meant is refused by the name of the field, before the database is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from mutoscope.engines.ledger import InvalidTransfer, Ledger, Transfer, credit, debit
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
