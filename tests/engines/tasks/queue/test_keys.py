"""Unique keys, limits, and queues that are paused or limited."""

from __future__ import annotations

import threading
from typing import Any

from django.db import connections, transaction

from mutoscope.engines.tasks.compat import TaskResultStatus
from mutoscope.engines.tasks.queue.backend import PostgresBackend, backend_of
from mutoscope.engines.tasks.queue.models import FinishedTask, LiveTask, Slot
from mutoscope.engines.tasks.queue.operate import Operator
from mutoscope.engines.tasks.queue.worker.worker import Size
from tests.engines.tasks.conftest import eventually, finished, working
from tests.engines.tasks.project import tasks


def running_at_most() -> int:
    """The largest number of tasks that were begun and not ended, by what the tasks noted."""
    running = most = 0
    for entry in tasks.RAN:
        running += 1 if entry.startswith("begin") else -1
        most = max(most, running)
    return most


def test_at_most_one_task_waits_under_a_key(backend: PostgresBackend) -> None:
    first = tasks.unique.enqueue("a")
    again = tasks.unique.enqueue("a")
    other = tasks.unique.enqueue("b")
    assert again.id == first.id != other.id
    with working(backend):
        finished(first)
        finished(other)
        assert finished(tasks.unique.enqueue("a")).id != first.id
    assert sorted(tasks.RAN) == ["a", "a", "b"]


def test_a_waiting_task_takes_the_new_arguments_when_told_to(backend: PostgresBackend) -> None:
    task = tasks.echo.using(unique_key="report", when_taken="replace")
    first = task.enqueue("old")
    second = task.using(priority=5).enqueue("new")
    assert second.id == first.id
    with working(backend):
        assert finished(second).return_value == "new"
    assert second.task.priority == 0 or second.task.priority == 5


def test_a_key_is_free_again_once_its_task_runs(backend: PostgresBackend) -> None:
    with working(backend):
        first = tasks.waits_at_the_gate.using(unique_key="gate").enqueue("first")
        assert tasks.STARTED.wait(60)
        second = tasks.waits_at_the_gate.using(unique_key="gate").enqueue("second")
        assert second.id != first.id
        tasks.GATE.set()
        finished(second)


def test_two_transactions_with_one_key_make_one_task(backend: PostgresBackend) -> None:
    ids: list[str] = []

    def enqueue() -> None:
        try:
            with transaction.atomic():
                ids.append(tasks.unique.enqueue("same").id)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=enqueue) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 1
    assert LiveTask.objects.count() == 1


def test_a_retry_makes_room_for_a_newer_task_of_its_key(backend: PostgresBackend) -> None:
    with working(backend, ["default"]):
        first = tasks.unique_fails.enqueue("k")
        assert tasks.STARTED.wait(60)
        # In a queue that nobody serves, so that it waits for certain: workers claim ahead.
        second = tasks.unique_fails.using(queue_name="slow").enqueue("k")
        tasks.GATE.set()
        finished(first)
    assert first.is_cancelled
    second.refresh()
    assert second.status == TaskResultStatus.READY
    assert tasks.RAN == ["k"]


def test_a_rolled_back_key_is_free(backend: PostgresBackend) -> None:
    with transaction.atomic():
        tasks.unique.enqueue("x")
        transaction.set_rollback(True)
    assert tasks.unique.enqueue("x").status == TaskResultStatus.READY


def test_no_more_than_the_limit_run_under_one_key(backend: PostgresBackend) -> None:
    results = [tasks.limited.enqueue(str(number)) for number in range(7)]
    free = tasks.echo.enqueue("not limited")
    with working(backend) as one, working(backend) as two:
        finished(free)
        eventually(lambda: len(tasks.RAN) == 2)
        assert len(one.pump.held) + len(two.pump.held) == 2
        tasks.GATE.set()
        for result in results:
            finished(result)
    assert running_at_most() <= 2
    assert not Slot.objects.exists()


def test_limited_tasks_follow_one_another_without_being_polled_for(backend: PostgresBackend, settings: Any) -> None:
    # A worker that waited for its next look after each would still be at it when the test gives up.
    ours = settings.TASKS["default"]
    settings.TASKS = {"default": ours | {"OPTIONS": ours["OPTIONS"] | {"POLL_S": 1000}}}
    with working(backend_of()):
        with transaction.atomic():
            results = [tasks.echo.using(limit_key="one", limit_max=1).enqueue(number) for number in range(30)]
        finished(results[-1])


def test_limits_can_be_per_argument(backend: PostgresBackend) -> None:
    for name in ("a", "a", "b", "b"):
        tasks.waits_at_the_gate.using(limit_key=f"user:{name}", limit_max=1).enqueue(name)
    with working(backend):
        eventually(lambda: len(tasks.RAN) == 2)
        assert sorted(tasks.RAN) == ["begin a", "begin b"]
        tasks.GATE.set()
        eventually(lambda: FinishedTask.objects.count() == 4)


def test_a_queue_can_be_limited(backend: PostgresBackend, operator: Operator) -> None:
    operator.limit("slow", 2)
    results = [tasks.waits_at_the_gate.using(queue_name="slow").enqueue(str(number)) for number in range(5)]
    results += [
        tasks.waits_at_the_gate.using(queue_name="slow", limit_key="k", limit_max=5).enqueue(f"k{number}")
        for number in range(3)
    ]
    with working(backend), working(backend):
        eventually(lambda: len(tasks.RAN) == 2)
        tasks.GATE.set()
        for result in results:
            finished(result)
    assert running_at_most() <= 2
    assert not Slot.objects.exists()


def test_a_paused_queue_rests_until_it_is_resumed(backend: PostgresBackend, operator: Operator) -> None:
    operator.pause("other")
    rests = tasks.echo.using(queue_name="other").enqueue("rests")
    goes = tasks.echo.enqueue("goes")
    with working(backend):
        finished(goes)
        rests.refresh()
        assert rests.status == TaskResultStatus.READY
        operator.resume("other")
        finished(rests)


def test_purging_drops_what_waits_and_leaves_what_runs(backend: PostgresBackend, operator: Operator) -> None:
    with working(backend, size=Size(threads=1)):
        runs = tasks.waits_at_the_gate.enqueue("runs")
        assert tasks.STARTED.wait(60)
        backend.enqueue_many(tasks.echo.using(queue_name="other"), [((1,), {})] * 10)
        operator.pause("other")
        eventually(lambda: operator.purge("other") == 0 and LiveTask.objects.count() == 1)
        tasks.GATE.set()
        finished(runs)
