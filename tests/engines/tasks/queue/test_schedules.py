"""Schedules, and the days of the history."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from mutoscope.engines.tasks.queue import schedules
from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.history import keep_days
from mutoscope.engines.tasks.queue.models import FinishedTask, ScheduleRecord
from mutoscope.engines.tasks.queue.schedules import next_tick, schedule
from tests.engines.tasks.conftest import eventually, finished, working
from tests.engines.tasks.project import tasks


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found: dict[str, Any] = {}
    monkeypatch.setattr(schedules, "_DECLARED", found)
    return found


def test_the_next_tick_is_read_in_the_schedules_zone() -> None:
    noon = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    assert next_tick("30 6 * * *", "UTC", noon) == datetime(2026, 7, 2, 6, 30, tzinfo=UTC)
    assert next_tick("30 6 * * *", "Europe/Paris", noon) == datetime(2026, 7, 2, 4, 30, tzinfo=UTC)


@pytest.mark.parametrize(("cron", "zone"), [("61 * * * *", "UTC"), ("0 0 30 2 *", "UTC"), ("* * * * *", "Moon/Base")])
def test_what_is_no_schedule_is_refused_at_import(cron: str, zone: str) -> None:
    with pytest.raises(ValueError, match=r"is no"):
        schedule(cron, time_zone=zone)


def test_each_tick_is_enqueued_once_by_several_workers(backend: PostgresBackend, declared: dict[str, Any]) -> None:
    schedule("* * * * * *", name="every second", args=(1,))(tasks.add)
    with working(backend), working(backend), working(backend):
        eventually(lambda: len(tasks.RAN) >= 3)
        record = ScheduleRecord.objects.get()
        ScheduleRecord.objects.update(paused=True)
    assert record.last_at is not None
    moments = [row.enqueued_at.replace(microsecond=0) for row in FinishedTask.objects.all()]
    assert len(moments) == len(set(moments))


def test_missed_ticks_are_made_up_for_by_one(backend: PostgresBackend, declared: dict[str, Any]) -> None:
    schedule("0 0 1 1 *", name="yearly", args=(7,))(tasks.add)
    with working(backend):
        pass
    ScheduleRecord.objects.update(next_at=datetime.now(UTC) - timedelta(days=900))
    with working(backend):
        eventually(lambda: tasks.RAN)
    assert tasks.RAN == [(7, 0)]
    assert ScheduleRecord.objects.get().next_at > datetime.now(UTC)


def test_a_paused_schedule_does_not_tick_and_stays_paused(backend: PostgresBackend, declared: dict[str, Any]) -> None:
    schedule("* * * * *", name="paused", args=(1,))(tasks.add)
    with working(backend):
        pass
    ScheduleRecord.objects.update(paused=True, next_at=datetime.now(UTC) - timedelta(hours=1))
    with working(backend):
        finished(tasks.echo.enqueue(1))
    assert ScheduleRecord.objects.get().paused
    assert tasks.RAN == []


def test_a_schedule_that_the_code_no_longer_declares_is_forgotten(
    backend: PostgresBackend, declared: dict[str, Any]
) -> None:
    schedule("* * * * *", name="old")(tasks.noop)
    with working(backend):
        pass
    declared.clear()
    with working(backend):
        assert not ScheduleRecord.objects.exists()


def test_a_schedule_whose_task_cannot_be_enqueued_keeps_no_other_from_ticking(
    backend: PostgresBackend, declared: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    # Its key is made of an argument that this schedule does not give.
    schedule("* * * * * *", name="broken")(tasks.unique)
    schedule("* * * * * *", name="sound", args=(1,))(tasks.add)
    with working(backend):
        eventually(lambda: len(tasks.RAN) >= 2)
        eventually(lambda: ScheduleRecord.objects.get(name="broken").last_at)
    assert set(tasks.RAN) == {(1, 0)}
    assert ScheduleRecord.objects.get(name="broken").last_task_id is None
    assert "Schedule broken cannot be enqueued" in caplog.text


def test_a_stored_schedule_that_makes_no_sense_here_moves_on(
    backend: PostgresBackend, declared: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    schedule("* * * * *", name="elsewhere", args=(1,))(tasks.add)
    with working(backend):
        # As a worker with newer code and more time zones would declare it.
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        ScheduleRecord.objects.update(timezone="Moon/Base", next_at=long_ago)
        eventually(lambda: ScheduleRecord.objects.get().next_at > datetime.now(UTC))
        eventually(lambda: tasks.RAN == [(1, 0)])
    assert "Schedule elsewhere has no next tick" in caplog.text


@pytest.mark.parametrize("given", [{"args": (date(2026, 7, 1),)}, {"args": "Bo"}, {"kwargs": ["Bo"]}])
def test_a_schedule_with_arguments_that_cannot_be_stored_is_refused_by_its_name(
    declared: dict[str, Any], given: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="schedule 'greeting' cannot be stored"):
        schedule("* * * * *", name="greeting", **given)(tasks.echo)
    assert declared == {}


def test_a_second_schedule_of_a_task_needs_a_name_of_its_own(declared: dict[str, Any]) -> None:
    schedule("0 4 * * *")(tasks.noop)
    schedule("0 4 * * *")(tasks.noop)
    with pytest.raises(ValueError, match="name="):
        schedule("0 5 * * *")(tasks.noop)
    schedule("0 5 * * *", name="at five")(tasks.noop)
    assert [(one.name, one.cron) for one in declared.values()] == [
        (tasks.noop.module_path, "0 4 * * *"),
        ("at five", "0 5 * * *"),
    ]


def days() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'tasks_finished'::regclass")
        return {row[0] for row in cursor.fetchall()}


def test_history_makes_days_ahead_and_drops_old_ones(backend: PostgresBackend) -> None:
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as own:
        keep_days(own, date(2031, 1, 1), 30)
        assert {"tasks_finished_20310101", "tasks_finished_20310104"} <= {
            row[0] for row in own.execute("SELECT relname FROM pg_class").fetchall()
        }
        made, dropped = keep_days(own, date(2031, 2, 2), 30)
        assert made == 4
        assert dropped >= 2
        own.rollback()


def test_a_working_worker_keeps_todays_partition(backend: PostgresBackend) -> None:
    with working(backend):
        eventually(lambda: f"tasks_finished_{datetime.now(UTC):%Y%m%d}" in days())
