"""The web server's pool: a connection is asked how it is only when it has been idle, and a dead one is never handed out then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connections
from psycopg_pool import ConnectionPool

from mutoscope.engines.postgres.backend import base


@pytest.fixture
def pooled(django_db_blocker: Any, django_db_setup: None) -> Iterator[base.DatabaseWrapper]:
    """A pooled connection to the tests' database beside Django's own."""
    own = connections["default"].settings_dict
    options = {**own["OPTIONS"], "pool": {"min_size": 1, "max_size": 1, "timeout": 5}}
    with django_db_blocker.unblock():
        made = base.DatabaseWrapper({**own, "OPTIONS": options, "CONN_MAX_AGE": 0}, "pooled")
        yield made
        made.close()
        made.close_pool()


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[psycopg.Connection[Any]]:
    asked: list[psycopg.Connection[Any]] = []
    ask = ConnectionPool.check_connection

    def remember(connection: psycopg.Connection[Any]) -> None:
        asked.append(connection)
        ask(connection)

    monkeypatch.setattr(ConnectionPool, "check_connection", staticmethod(remember))
    return asked


def process_id(pooled: base.DatabaseWrapper) -> int:
    """Of the server process behind one request's connection."""
    try:
        with pooled.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])
    finally:
        pooled.close()


def test_a_connection_that_was_just_lent_is_not_asked_again(
    pooled: base.DatabaseWrapper, questions: list[psycopg.Connection[Any]]
) -> None:
    process_id(pooled)
    del questions[:]
    assert process_id(pooled) == process_id(pooled)
    assert questions == []


def test_an_idle_connection_is_asked_and_a_dead_one_replaced(
    pooled: base.DatabaseWrapper, questions: list[psycopg.Connection[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = process_id(pooled)
    with connections["direct"].cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
    monkeypatch.setattr(base, "TRUSTED_FOR_S", -1.0)
    assert process_id(pooled) != first
    assert questions
