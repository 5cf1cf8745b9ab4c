"""Retries, timeouts, cancellation and dead letters."""

from __future__ import annotations

from typing import Any

import pytest

from mutoscope.engines.tasks.compat import TaskResultStatus, task_finished
from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.metrics import dead_letters
from mutoscope.engines.tasks.queue.models import FinishedTask, LiveTask, WorkerRecord
from mutoscope.engines.tasks.queue.operate import Operator
from mutoscope.engines.tasks.queue.policy import Policy, RetryLater, TaskCancelled, TaskTimedOut
from mutoscope.engines.tasks.queue.worker.worker import Size
from tests.engines.tasks.conftest import eventually, finished, working
from tests.engines.tasks.project import tasks


def test_a_task_is_tried_again_until_it_succeeds(backend: PostgresBackend) -> None:
    with working(backend):
        result = finished(tasks.fails_twice.enqueue("a"))
    assert result.return_value == "at last"
    assert result.attempts == 3
    assert [error.exception_class for error in result.errors] == [ValueError, ValueError]


def test_an_error_that_is_not_to_be_retried_ends_the_task(backend: PostgresBackend) -> None:
    with working(backend):
        result = finished(tasks.fails_for_good.enqueue())
    assert result.status == TaskResultStatus.FAILED
    assert result.attempts == 1


def test_a_task_can_ask_to_be_tried_later(backend: PostgresBackend) -> None:
    with working(backend):
        result = finished(tasks.asks_for_later.enqueue("b"))
    assert result.return_value == "later"
    assert result.attempts == 2


def test_backoff_grows_stays_below_its_cap_and_never_below_half_a_step() -> None:
    policy = Policy(attempts_max=50, backoff_s=1, backoff_factor=2, backoff_max_s=60)
    for attempt, step_s in ((1, 1), (2, 2), (5, 16), (7, 60), (49, 60)):
        delays = [policy.retry_delay_s(attempt, ValueError()) for _ in range(50)]
        assert all(delay is not None and step_s / 2 <= delay <= step_s for delay in delays)
    assert policy.retry_delay_s(50, ValueError()) is None
    assert policy.retry_delay_s(1, KeyboardInterrupt()) is None
    assert policy.retry_delay_s(50, RetryLater(3)) is None
    assert policy.retry_delay_s(50, RetryLater(3, past_attempts_max=True)) == 3


def test_a_sync_task_is_stopped_when_its_time_is_up(backend: PostgresBackend) -> None:
    with working(backend):
        result = finished(tasks.spins.enqueue())
        assert result.errors[0].exception_class is TaskTimedOut
        assert finished(tasks.echo.enqueue("next")).return_value == "next"


def test_an_async_task_is_stopped_when_its_time_is_up(backend: PostgresBackend) -> None:
    with working(backend):
        result = finished(tasks.sleeps_in_a_coroutine.enqueue())
    assert result.errors[0].exception_class is TaskTimedOut


def test_a_waiting_task_is_cancelled_at_once(backend: PostgresBackend, operator: Operator) -> None:
    result = tasks.echo.enqueue(1)
    assert operator.cancel(result.id)
    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert result.is_cancelled
    assert result.errors[0].exception_class is TaskCancelled
    assert not operator.cancel(result.id)


def test_a_running_coroutine_is_cancelled(backend: PostgresBackend, operator: Operator) -> None:
    with working(backend):
        result = tasks.waits_in_a_coroutine.enqueue()
        assert tasks.STARTED.wait(60)
        assert operator.cancel(result.id)
        finished(result)
    assert result.is_cancelled


def test_a_running_thread_is_interrupted_when_it_runs_python(backend: PostgresBackend, operator: Operator) -> None:
    with working(backend):
        result = tasks.spins_until_stopped.enqueue()
        assert tasks.STARTED.wait(60)
        assert operator.cancel(result.id)
        finished(result)
    assert result.is_cancelled


def test_a_cancelled_task_is_not_tried_again(backend: PostgresBackend, operator: Operator) -> None:
    with working(backend):
        result = tasks.unique_fails.enqueue("c")
        assert tasks.STARTED.wait(60)
        operator.cancel(result.id)
        tasks.GATE.set()
        finished(result)
    assert result.is_cancelled
    assert tasks.RAN == ["c"]


def test_dead_letters_can_be_retried_under_their_own_ids_and_dropped(
    backend: PostgresBackend, operator: Operator
) -> None:
    with working(backend):
        result = finished(tasks.fail.enqueue("dead"))
        assert operator.retry([result.id, "404", "nonsense"]) == [result.id]
        eventually(lambda: FinishedTask.objects.filter(id=result.id).exists())
        result.refresh()
        assert result.attempts == 2
        assert len(result.errors) == 2
    assert operator.drop([result.id]) == 1
    assert not FinishedTask.objects.exists()


def test_a_successful_task_is_not_retried(backend: PostgresBackend, operator: Operator) -> None:
    with working(backend):
        result = finished(tasks.echo.enqueue(1))
    assert operator.retry([result.id]) == []


def test_progress_is_readable_while_the_task_runs(backend: PostgresBackend) -> None:
    with working(backend):
        result = tasks.reports.enqueue()

        def progress() -> float | None:
            result.refresh()
            return result.progress

        assert eventually(progress) == 0.25
        assert result.progress_note == "a quarter"
        assert result.status == TaskResultStatus.RUNNING
        tasks.GATE.set()
        finished(result)
    assert result.progress is None


def test_tasks_in_children_run_elsewhere_and_one_child_serves_many(backend: PostgresBackend) -> None:
    import os

    with working(backend, size=Size(processes=1)):
        first = finished(tasks.child_pid.enqueue(1)).return_value
        second = finished(tasks.child_pid.enqueue(2)).return_value
    assert first["pid"] == second["pid"] != os.getpid()
    assert second["value"] == 2


@pytest.mark.parametrize(
    ("name", "error"),
    [("child_hangs", "TaskTimedOut"), ("child_dies", "ChildDied"), ("child_fails", "KeyError")],
)
def test_a_child_that_hangs_dies_or_fails_fails_its_task_alone(backend: PostgresBackend, name: str, error: str) -> None:
    with working(backend, size=Size(processes=1)):
        result = finished(getattr(tasks, name).enqueue())
        assert result.errors[0].exception_class_path.endswith(error)
        assert finished(tasks.child_pid.enqueue(3)).return_value["value"] == 3
    assert not LiveTask.objects.exists()


@pytest.mark.parametrize("name", ["declines", "child_declines"])
def test_a_task_that_declines_writes_no_error_and_others_hear_that_it_ended(
    backend: PostgresBackend, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    heard: list[Any] = []

    def hear(task_result: Any, **_: Any) -> None:
        heard.append((task_result.status, task_result.is_declined, task_result.errors[0].traceback))

    def stumble(**_: Any) -> None:
        raise RuntimeError("a receiver's own")

    caplog.set_level("INFO")
    task_finished.connect(hear)
    try:
        with working(backend, size=Size(processes=1)):
            finished(getattr(tasks, name).enqueue())
            assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
            assert "declined what it was given: This file is no film." in caplog.text
            task_finished.connect(stumble)
            finished(getattr(tasks, name).enqueue())
    finally:
        task_finished.disconnect(hear)
        task_finished.disconnect(stumble)
    assert heard == [(TaskResultStatus.FAILED, True, "This file is no film.")] * 2
    assert "A receiver of a task signal failed" in caplog.text


@pytest.mark.parametrize("name", ["declines", "child_declines"])
def test_a_task_that_declines_fails_at_once_with_its_sentence_and_is_no_dead_letter(
    backend: PostgresBackend, operator: Operator, name: str
) -> None:
    with working(backend, size=Size(processes=1)):
        result = finished(getattr(tasks, name).enqueue())
        assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 1)
        assert (result.is_cancelled, result.is_declined) == (False, True)
        assert result.errors[0].traceback == "This file is no film."
        assert dead_letters(backend) == {}
        assert FinishedTask.objects.get().get_status_display() == "declined"
        # What was given may have been mended meanwhile.
        assert operator.retry([result.id]) == [result.id]
        eventually(lambda: FinishedTask.objects.filter(pk=int(result.id)).exists())
    assert WorkerRecord.objects.get().failed == 0
