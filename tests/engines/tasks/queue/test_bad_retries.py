"""Policies, delays and errors that make no sense: refused where they are written, and harmless where they come up."""

from __future__ import annotations

import logging
import math
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from mutoscope.engines.tasks.compat import TaskResultStatus
from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.models import LiveTask
from mutoscope.engines.tasks.queue.operate import Operator
from mutoscope.engines.tasks.queue.policy import DURATION_S_MAX, Policy, RetryLater, TaskTimedOut
from mutoscope.engines.tasks.queue.results import task_error
from mutoscope.engines.tasks.queue.worker.desk import Desk
from mutoscope.engines.tasks.queue.worker.execution import Execution, Surroundings, find_runnable
from mutoscope.engines.tasks.queue.worker.job import Interrupted, Job
from mutoscope.engines.tasks.queue.worker.worker import Size
from tests.engines.tasks.conftest import eventually, finished, working
from tests.engines.tasks.project import tasks


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("attempts_max", 0),
        ("attempts_max", 2.5),
        ("attempts_max", 100_000),
        ("attempts_max", True),
        ("limit_max", -1),
        ("limit_max", 2**40),
        ("backoff_s", math.nan),
        ("backoff_s", -1),
        ("backoff_s", "soon"),
        ("backoff_factor", math.inf),
        ("backoff_factor", 0.5),
        ("backoff_max_s", math.inf),
        ("timeout_s", math.nan),
        ("timeout_s", 0),
        ("retry_on", None),
        ("retry_on", ValueError),
        ("retry_on", ("ValueError",)),
        ("unique_key", "k" * 10_000),
        ("limit_key", 7),
        ("run_in", "moon"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_by_its_field(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        Policy(**{name: value})


@pytest.mark.parametrize("delay", [math.nan, math.inf, 1e12, -5, timedelta(days=-1), "later", None])
def test_a_delay_that_is_none_is_refused(delay: Any) -> None:
    with pytest.raises(ValueError, match="delay"):
        RetryLater(delay)


def test_backoff_stays_at_its_cap_however_large_it_would_grow() -> None:
    steep = Policy(attempts_max=30_000, backoff_factor=1e200, backoff_max_s=60)
    plain = Policy(attempts_max=30_000, backoff_max_s=60)
    never = Policy(attempts_max=30_000, backoff_s=0, backoff_factor=1e200)
    for attempt in (3, 1025, 29_999):
        assert 30 <= (steep.retry_delay_s(attempt, ValueError()) or 0) <= 60
        assert never.retry_delay_s(attempt, ValueError()) == 0
    assert 30 <= (plain.retry_delay_s(1025, ValueError()) or 0) <= 60


@pytest.mark.parametrize("name", ["breaks_its_judge", "breaks_its_judge_in_a_coroutine", "breaks_its_judge_in_a_child"])
def test_a_failure_that_cannot_be_judged_ends_the_task_and_nothing_else(backend: PostgresBackend, name: str) -> None:
    with working(backend, size=Size(threads=1, coroutines=1, processes=1)):
        result = finished(getattr(tasks, name).enqueue())
        assert result.status == TaskResultStatus.FAILED
        assert result.errors[0].exception_class is AttributeError
        # The one thread, the one place on the loop and the one child go on.
        assert finished(tasks.echo.enqueue(1)).return_value == 1
        assert finished(tasks.aecho.enqueue(2)).return_value == 2
        assert finished(tasks.child_pid.enqueue(3)).return_value["value"] == 3
    assert not LiveTask.objects.exists()


@pytest.mark.parametrize(
    "task", [tasks.asks_for_a_time_that_is_none, tasks.asks_for_a_time_that_is_none_unnoticed], ids=["said", "set"]
)
@pytest.mark.parametrize("delay_s", ["nan", "inf", "1e12", "-5"])
def test_a_task_that_asks_for_no_time_fails_alone(backend: PostgresBackend, task: Any, delay_s: str) -> None:
    with working(backend):
        beside = tasks.waits_at_the_gate.enqueue("beside")
        result = task.enqueue(delay_s)
        eventually(lambda: result.refresh() or result.errors)
        assert "delay" in result.errors[0].traceback
        tasks.GATE.set()
        assert finished(beside).attempts == 1


def test_the_longest_delay_can_be_written_and_read(backend: PostgresBackend) -> None:
    with working(backend):
        result = tasks.asks_for_a_time_that_is_none.enqueue(str(DURATION_S_MAX))
        eventually(lambda: LiveTask.objects.get(id=result.id).run_at)
    assert backend.get_result(result.id).status == TaskResultStatus.READY


def test_a_task_that_is_tried_for_ever_outlives_the_count_of_its_attempts(backend: PostgresBackend) -> None:
    result = tasks.asks_for_later.enqueue("again")
    LiveTask.objects.filter(id=result.id).update(attempt=2**15 - 2)
    with working(backend):
        eventually(lambda: tasks.RAN == ["again"] * 2)
        eventually(lambda: not LiveTask.objects.exists())


@pytest.mark.parametrize("name", ["has_no_policy_for_its_call", "has_no_policy_for_its_call_in_a_child"])
def test_a_call_without_a_policy_has_that_of_its_task(backend: PostgresBackend, name: str) -> None:
    with working(backend, size=Size(processes=1)):
        result = finished(getattr(tasks, name).enqueue())
    assert result.status == TaskResultStatus.FAILED


def claimed(backend: PostgresBackend, desk: Desk, count: int) -> list[Job]:
    for number in range(count):
        tasks.echo.using(unique_key=f"k{number}" if number % 2 else None).enqueue(number)
    return desk.claim(count)


class OwnLine:
    """A connection of the test's own, where a worker's would be."""

    def __init__(self) -> None:
        self.own = psycopg.connect(
            **connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}, autocommit=True
        )

    def execute(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        cursor = self.own.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []

    call = execute


def test_a_retry_that_cannot_be_written_takes_no_other_with_it(backend: PostgresBackend) -> None:
    line = OwnLine()
    try:
        desk = Desk(line, ["default"])  # type: ignore[arg-type]
        desk.register("by hand", 1)
        jobs = claimed(backend, desk, 4)
        for job, delay_s in zip(jobs, (1.0, 2.0, math.nan, math.nan), strict=True):
            job.delay_s, job.error = delay_s, task_error(ValueError(), "why")
        assert desk.retry(jobs) == {job.id for job in jobs}
    finally:
        line.own.close()
    states = [backend.get_result(str(job.id)).status.name for job in jobs]
    assert states == ["READY", "READY", "FAILED", "FAILED"]


def test_a_word_to_stop_that_comes_while_a_failure_is_judged_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    row = (1, 1, 1, 1, "default", 0, tasks.spins.module_path, "[]", "{}", None, None, "", "")
    job = Job(row, limited=False, now=0.0)
    runnable = find_runnable(job)
    assert runnable is not None
    job.policy = runnable.policy
    execution = Execution(job, runnable, Surroundings("default", PostgresBackend, lambda: 1, lambda _: None))

    def judge(*_: Any) -> None:
        job.interruption = "timeout"
        raise Interrupted

    monkeypatch.setattr(Execution, "_judge", judge)
    execution.fail(ValueError())
    assert job.has_outcome()
    assert job.error is not None
    assert job.error["exception_class_path"].endswith(TaskTimedOut.__name__)


def test_errors_and_notes_that_postgresql_cannot_hold_are_kept_without_that(
    backend: PostgresBackend, operator: Operator, caplog: pytest.LogCaptureFixture
) -> None:
    # What is logged has the half character too, and pytest's processes cannot tell each other of that.
    caplog.set_level(logging.CRITICAL, logger="django_tasks")
    with working(backend):
        result = finished(tasks.says_what_cannot_be_written.enqueue())
        assert result.return_value == "written"
        dead = finished(tasks.fail.enqueue("\x00 and \ud800"))
        assert operator.retry([dead.id]) == [dead.id]
        finished(dead)
