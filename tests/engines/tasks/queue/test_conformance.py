"""What any complete backend of Django's tasks API has to do, and where its contract is easily missed."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, transaction
from django.utils import timezone

from mutoscope.engines.tasks.compat import (
    InvalidTaskError,
    TaskResult,
    TaskResultDoesNotExist,
    TaskResultStatus,
    task_enqueued,
    task_finished,
    task_started,
)
from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.models import FinishedTask, LiveTask
from tests.engines.tasks.conftest import eventually, finished, working
from tests.engines.tasks.project import tasks


def test_every_feature_of_the_api_is_supported() -> None:
    flags = ("supports_defer", "supports_async_task", "supports_get_result", "supports_priority")
    assert all(getattr(PostgresBackend, flag) for flag in flags)


def test_a_task_runs_and_its_result_is_kept(backend: PostgresBackend) -> None:
    result = tasks.add.enqueue(2, b=3)
    assert result.status == TaskResultStatus.READY
    assert (result.args, result.kwargs, result.attempts, result.started_at) == ([2], {"b": 3}, 0, None)
    with working(backend) as worker:
        finished(result)
        worker_id = str(worker.desk.worker_id)
    assert result.return_value == 5
    assert result.worker_ids == [worker_id]
    assert result.attempts == 1
    assert result.enqueued_at <= result.started_at <= result.finished_at
    assert result.last_attempted_at == result.started_at


@pytest.mark.parametrize(
    "value", [None, 0, "", [], {}, "a\u0000b", "🎞", {"deep": [{"er": 1.5}]}, [True, None], "\ud800"]
)
def test_values_come_back_as_they_went(backend: PostgresBackend, value: Any) -> None:
    with working(backend):
        assert finished(tasks.echo.enqueue(value)).return_value == value


def test_tuples_bytes_and_mappings_become_json(backend: PostgresBackend) -> None:
    result = tasks.echo.enqueue((b"bytes", {"a": (1,)}))
    assert result.args == [["bytes", {"a": [1]}]]
    assert tasks.echo.get_result(result.id).args == result.args


@pytest.mark.parametrize("value", [object(), {1, 2}, math.nan, math.inf, b"\xff"])
def test_what_is_no_json_is_refused_and_nothing_is_stored(backend: PostgresBackend, value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        tasks.echo.enqueue(value)
    assert not LiveTask.objects.exists()


def test_an_async_task_runs(backend: PostgresBackend) -> None:
    with working(backend):
        assert finished(tasks.aecho.enqueue("async")).return_value == "async"


def test_a_task_can_be_enqueued_and_looked_up_from_a_coroutine(backend: PostgresBackend) -> None:
    async def both() -> TaskResult[Any]:
        try:
            result = await tasks.echo.aenqueue("from a coroutine")
            return await tasks.echo.aget_result(result.id)
        finally:
            await sync_to_async(connections.close_all)()

    assert asyncio.run(both()).args == ["from a coroutine"]


def test_a_failure_keeps_class_and_traceback(backend: PostgresBackend) -> None:
    with working(backend):
        result = finished(tasks.fail.enqueue("because"))
        other = finished(tasks.afail.enqueue())
    assert result.status == other.status == TaskResultStatus.FAILED
    assert result.errors[0].exception_class is ValueError
    assert "because" in result.errors[0].traceback
    with pytest.raises(ValueError, match="Task failed"):
        _ = result.return_value


def test_a_result_that_is_no_json_fails_the_task(backend: PostgresBackend) -> None:
    with working(backend):
        result = finished(tasks.returns_no_json.enqueue())
    assert result.errors[0].exception_class is TypeError


def test_the_context_tells_id_and_attempt(backend: PostgresBackend) -> None:
    with working(backend):
        result = finished(tasks.with_context.enqueue("x"))
    assert result.return_value == {"id": result.id, "attempt": 1, "value": "x"}


@pytest.mark.parametrize(
    "result_id", ["0", "999999999999", "-1", "", "abc", "1.5", "\uff19", "9" * 40, "1; DROP TABLE"]
)
def test_an_unknown_or_malformed_id_has_no_result(backend: PostgresBackend, result_id: str) -> None:
    with pytest.raises(TaskResultDoesNotExist):
        backend.get_result(result_id)


def test_commit_shows_a_task_and_rollback_leaves_nothing(backend: PostgresBackend) -> None:
    with working(backend):
        with transaction.atomic():
            gone = tasks.echo.enqueue("never")
            transaction.set_rollback(True)
        with transaction.atomic():
            result = tasks.echo.enqueue("after commit")
            assert result.task.get_result(result.id).status == TaskResultStatus.READY
        assert finished(result).return_value == "after commit"
        with pytest.raises(TaskResultDoesNotExist):
            backend.get_result(gone.id)


def test_a_deferred_task_waits_for_its_time(backend: PostgresBackend) -> None:
    now = timezone.now()
    later = tasks.echo.using(run_after=now + timedelta(hours=1)).enqueue("later")
    soon = tasks.echo.using(run_after=now + timedelta(seconds=0.3)).enqueue("soon")
    past = tasks.echo.using(run_after=now - timedelta(hours=1)).enqueue("past")
    with working(backend):
        finished(past)
        finished(soon)
        assert soon.started_at >= now + timedelta(seconds=0.3)
        later.refresh()
        assert later.status == TaskResultStatus.READY


def test_a_naive_time_is_refused(backend: PostgresBackend) -> None:
    with pytest.raises(InvalidTaskError):
        tasks.echo.using(run_after=timezone.now().replace(tzinfo=None))


@pytest.mark.parametrize("priority", [-101, 101, 1.5])
def test_a_priority_out_of_range_is_refused(backend: PostgresBackend, priority: Any) -> None:
    with pytest.raises(InvalidTaskError):
        tasks.echo.using(priority=priority)


def test_an_unknown_queue_is_refused(backend: PostgresBackend) -> None:
    with pytest.raises(InvalidTaskError):
        tasks.echo.using(queue_name="nowhere")


def test_higher_priorities_run_first_and_equals_in_order(backend: PostgresBackend) -> None:
    from mutoscope.engines.tasks.queue.worker.worker import Size

    for number, priority in enumerate((0, -100, 100, 0, 100, 7)):
        result = tasks.add.using(priority=priority).enqueue(number)
    assert result.task.priority == 7
    with working(backend, size=Size(threads=1)):
        eventually(lambda: len(tasks.RAN) == 6)
    assert [number for number, _ in tasks.RAN] == [2, 4, 5, 0, 3, 1]


def test_a_worker_serves_its_queues_only(backend: PostgresBackend) -> None:
    mine = tasks.echo.using(queue_name="other").enqueue("mine")
    theirs = tasks.echo.using(queue_name="slow").enqueue("theirs")
    with working(backend, ["default", "other"]):
        finished(mine)
        theirs.refresh()
        assert theirs.status == TaskResultStatus.READY
    assert mine.task.queue_name == "other"


def test_signals_tell_of_each_state(backend: PostgresBackend) -> None:
    heard: list[tuple[str, str]] = []

    def enqueued(task_result: TaskResult[Any], **_: Any) -> None:
        heard.append(("enqueued", task_result.status))

    def started(task_result: TaskResult[Any], **_: Any) -> None:
        heard.append(("started", task_result.status))

    def ended(task_result: TaskResult[Any], **_: Any) -> None:
        heard.append(("finished", task_result.status))

    task_enqueued.connect(enqueued)
    task_started.connect(started)
    task_finished.connect(ended)
    try:
        with working(backend):
            # In a transaction: once it is committed, a worker may be quicker than the sender of a signal.
            with transaction.atomic():
                echoed = tasks.echo.enqueue(1)
            finished(echoed)
            # The result is stored first and the receivers are called after: the next enqueue waits for both.
            eventually(lambda: len(heard) == 3)
            with transaction.atomic():
                failed = tasks.fail.enqueue()
            finished(failed)
            eventually(lambda: len(heard) == 6)
    finally:
        task_enqueued.disconnect(enqueued)
        task_started.disconnect(started)
        task_finished.disconnect(ended)
    ready, running = TaskResultStatus.READY, TaskResultStatus.RUNNING
    assert heard == [
        ("enqueued", ready),
        ("started", running),
        ("finished", TaskResultStatus.SUCCESSFUL),
        ("enqueued", ready),
        ("started", running),
        ("finished", TaskResultStatus.FAILED),
    ]


def test_a_receiver_that_fails_fails_no_task(backend: PostgresBackend) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("a broken receiver")

    task_started.connect(broken)
    try:
        with working(backend):
            assert finished(tasks.echo.enqueue(1)).return_value == 1
    finally:
        task_started.disconnect(broken)


def test_many_tasks_go_in_at_once_and_keep_their_order(backend: PostgresBackend) -> None:
    ids = backend.enqueue_many(tasks.echo, [((number,), {}) for number in range(25_000)])
    assert len(set(ids)) == 25_000
    assert backend.get_result(ids[12_345]).args == [12_345]
    assert LiveTask.objects.count() == 25_000


def test_a_finished_task_leaves_the_live_table(backend: PostgresBackend) -> None:
    with working(backend):
        result = finished(tasks.echo.enqueue(1))
    assert not LiveTask.objects.exists()
    assert FinishedTask.objects.get().id == int(result.id)


def test_a_task_that_the_code_does_not_have_waits_for_newer_code(backend: PostgresBackend) -> None:
    result = tasks.echo.enqueue(1)
    LiveTask.objects.update(path="tests.engines.tasks.project.tasks.of_tomorrow")
    with working(backend):
        live = eventually(lambda: LiveTask.objects.filter(deferred=True).first())
    assert live.id == int(result.id)
    assert "of_tomorrow" in live.past
