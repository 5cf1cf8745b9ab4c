"""Statements past psycopg's cursor: what Django and psycopg would have seen to."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, DataError, IntegrityError, InternalError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from mutoscope.engines.postgres.prepared import fetch_prepared

pytestmark = pytest.mark.django_db(transaction=True)


def said(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    return fetch_prepared("default", statement, values)


def prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'said%%'")
        return int(cursor.fetchone()[0])


@pytest.fixture(autouse=True)
def new_connection() -> Iterator[None]:
    connection.close()
    yield
    connection.close()


def test_a_statement_is_prepared_once_and_answers_with_python_values() -> None:
    for number in (1, 2, 3):
        asked = (number, "text, with \\ and \" and '", None)
        assert said("SELECT %s::bigint, %s::text, %s::text, 7 %% 4", *asked) == [(*asked, 3)]
    assert prepared() == 1


def test_no_row_is_an_empty_list() -> None:
    assert said("SELECT %s::int WHERE false", 1) == []


def test_statements_that_someone_dropped_are_prepared_again() -> None:
    assert said("SELECT %s::int", 1) == [(1,)]
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert said("SELECT %s::int", 2) == [(2,)]


def test_only_the_transaction_is_lost_in_which_someone_dropped_them() -> None:
    said("SELECT %s::int", 1)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")
        with pytest.raises(DatabaseError):
            said("SELECT %s::int", 2)
        transaction.set_rollback(True)
    with transaction.atomic():
        assert said("SELECT %s::int", 3) == [(3,)]


def test_an_error_is_djangos_and_names_its_constraint() -> None:
    statement = "INSERT INTO ledger_sub_balance (account_id, slot, balance, currency) VALUES (%s, 0, 1, 'PTS')"
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        said(statement, 1)
    assert "is refused" in str(refused.value)
    assert said("SELECT %s::int", 1) == [(1,)]


def test_a_broken_transaction_is_said_to_be_broken() -> None:
    with transaction.atomic():
        said("SELECT %s::int", 1)
        with pytest.raises(DataError):
            said("SELECT 1 / %s::int", 0)
        with pytest.raises((TransactionManagementError, InternalError)):
            said("SELECT %s::int", 1)
        transaction.set_rollback(True)
    assert said("SELECT %s::int", 1) == [(1,)]


def test_the_first_statement_of_a_transaction_is_part_of_it() -> None:
    with transaction.atomic():
        first = said("SELECT pg_current_xact_id()::text, %s::int", 1)
        second = said("SELECT pg_current_xact_id()::text, %s::int", 1)
    assert first == second


MOMENTS = [
    *[("UTC", "0001-01-01 00:00:00+00"), ("UTC", "9999-12-31 23:59:59.999999+00")],
    *[
        (zone, moment)
        for zone in ("UTC", "Europe/London", "Asia/Kolkata", "America/St_Johns")
        for moment in ("2026-11-27 01:09:10+00", "2026-10-25 01:30:00.5+00", "2026-07-01 00:30:10.123456+00")
    ],
]


@pytest.mark.parametrize(("zone", "moment"), MOMENTS)
def test_moments_are_those_that_djangos_cursor_reads(zone: str, moment: str) -> None:
    connection.settings_dict["TIME_ZONE"] = zone
    del connection.timezone, connection.timezone_name
    try:
        for ours in said("SELECT %s::timestamptz", moment)[0]:
            with connection.cursor() as cursor:
                cursor.execute("SELECT %s::timestamptz", [moment])
                theirs = cursor.fetchone()[0]
            assert (ours, ours.utcoffset(), str(ours.tzinfo)) == (theirs, theirs.utcoffset(), str(theirs.tzinfo))
    finally:
        connection.settings_dict["TIME_ZONE"] = None
        del connection.timezone, connection.timezone_name


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "0044-03-15 12:00:00+00 BC", "10000-01-01 00:00:00+00"])
def test_a_moment_that_python_has_no_word_for_is_refused_as_by_psycopg(moment: str) -> None:
    with pytest.raises(DataError):
        said("SELECT %s::timestamptz", moment)
    assert said("SELECT %s::int", 1) == [(1,)]


def test_text_that_libpq_would_cut_is_refused() -> None:
    with pytest.raises(DataError):
        said("SELECT %s::text", "one\x00two")


def test_whoever_counts_queries_sees_these_too() -> None:
    with CaptureQueriesContext(connection) as seen:
        said("SELECT %s::int", 1)
    assert [query["sql"] for query in seen.captured_queries] == ["SELECT 1::int"]


def test_ctrl_c_is_heard_while_the_database_waits_and_leaves_the_connection_usable() -> None:
    class Heard(BaseException):
        pass

    def hear(*_: object) -> None:
        raise Heard

    said("SELECT %s::int", 1)
    before = signal.signal(signal.SIGALRM, hear)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Heard):
            said("SELECT pg_sleep(%s::int)", 60)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert said("SELECT %s::int", 2) == [(2,)]
