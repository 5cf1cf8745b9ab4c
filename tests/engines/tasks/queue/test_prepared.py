"""Statements through libpq itself: what psycopg would have seen to, and plans that fit a table of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import DataError, connection, transaction

from mutoscope.engines.postgres.prepared import translated
from mutoscope.engines.tasks.queue import worker
from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.connection import PLANNER
from mutoscope.engines.tasks.queue.models import LiveTask
from mutoscope.engines.tasks.statements import statements
from tests.engines.tasks.project import tasks

CLAIMS = statements(Path(worker.__file__).with_name("claims.sql"))


def test_statements_that_someone_dropped_are_prepared_again(backend: PostgresBackend) -> None:
    first = tasks.echo.enqueue(1)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    second = tasks.echo.enqueue(2)
    assert [backend.get_result(one.id).args for one in (first, second)] == [[1], [2]]


def test_an_error_leaves_the_connection_as_usable_as_any_other(backend: PostgresBackend) -> None:
    tasks.echo.enqueue(1)
    # Text for libpq ends at this character: unnoticed, the rest would be lost.
    refused = tasks.echo.using(limit_key="one\x00two")
    with pytest.raises(DataError), transaction.atomic():
        _enqueue_each(tasks.echo, refused)
    tasks.echo.enqueue(4)
    assert [one.args for one in LiveTask.objects.order_by("id")] == ["[1]", "[4]"]


def _enqueue_each(*several: Any) -> None:
    for one in several:
        one.enqueue(2)


@pytest.mark.parametrize("rows", [0, 40])
@pytest.mark.parametrize("name", ["finish_and_claim", "finish", "advance", "claim", "retry", "release", "progress"])
def test_a_plan_made_for_a_small_table_looks_rows_up(backend: PostgresBackend, name: str, rows: int) -> None:
    backend.enqueue_many(tasks.echo, [((number,), {}) for number in range(rows)])
    _, text, _ = translated(CLAIMS[name])
    with transaction.atomic(), connection.cursor() as cursor:
        if cursor.connection.info.server_version < 160000:
            pytest.skip("EXPLAIN (GENERIC_PLAN) came with PostgreSQL 16")
        for setting in PLANNER.split():
            cursor.execute(f"SET LOCAL {setting}")
        answer = cursor.connection.pgconn.exec_(b"EXPLAIN (GENERIC_PLAN) " + text)
        plan = [answer.get_value(line, 0).decode() for line in range(answer.ntuples)]
    assert plan, answer.get_error_message()
    for line, following in zip(plan, [*plan[1:], ""], strict=True):
        if "using tasks_task_pkey" in line:
            assert "Index Cond" in following, "\n".join(plan)
