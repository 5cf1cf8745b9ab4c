"""Named queries out of the .sql files beside this module, and the one place that runs them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from django.db import connections

from mutoscope.engines.postgres.named_sql import named_statements


@cache
def read_sql(file: str) -> str:
    """The text of one of our SQL files."""
    return (files("mutoscope.engines.ledger") / "sql" / file).read_text()


@cache
def named_queries(file: str = "queries.sql") -> dict[str, str]:
    """The queries of a file by their `-- name:` lines, without comments, which would travel with every request."""
    return named_statements(read_sql(file))


def fetch(using: str, query: str, parameters: dict[str, Any] | tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Run a query on one of Django's connections, inside the caller's transaction if there is one. Returns its rows."""
    with connections[using].cursor() as cursor:
        cursor.execute(query, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def fetch_one(using: str, query: str, parameters: dict[str, Any] | tuple[Any, ...]) -> tuple[Any, ...]:
    """The same for a query that returns exactly one row."""
    with connections[using].cursor() as cursor:
        cursor.execute(query, parameters)
        row: tuple[Any, ...] = cursor.fetchone()
    return row
