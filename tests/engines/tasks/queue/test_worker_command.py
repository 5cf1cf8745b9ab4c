"""The `worker` command's options, and a worker that ends when nothing is left to do."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from mutoscope.engines.tasks.compat import TaskResultStatus
from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.models import FinishedTask, LiveTask, QueueSettings
from mutoscope.engines.tasks.queue.operate import Operator
from mutoscope.engines.tasks.queue.worker.worker import Size, Worker
from tests.engines.tasks.conftest import eventually, working
from tests.engines.tasks.processes import Project
from tests.engines.tasks.project import tasks


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"queues": "default,nope"}, "no queue nope"),
        ({"threads": 0}, "threads is 0"),
        ({"coroutines": 0}, "coroutines is 0"),
        ({"processes": -1}, "processes is -1"),
        ({"threads": 10**6}, "threads is 1000000"),
        ({"backend": "nope"}, "nope"),
    ],
)
def test_an_option_that_makes_no_sense_starts_no_worker(
    backend: PostgresBackend, options: dict[str, Any], named: str
) -> None:
    with pytest.raises(CommandError, match=named):
        call_command("worker", **options)


@pytest.mark.parametrize("command", ["pause", "resume", "purge", "limit"])
def test_a_queue_that_nobody_knows_is_no_queue(backend: PostgresBackend, command: str) -> None:
    with pytest.raises(CommandError, match="no queue 'nope'; there are children, default"):
        call_command("tasks", command, "nope", *(["3"] if command == "limit" else []))
    assert not QueueSettings.objects.exists()


def test_a_queue_that_the_settings_forgot_can_still_be_looked_after(backend: PostgresBackend) -> None:
    task = tasks.echo.enqueue(1)
    LiveTask.objects.filter(id=task.id).update(queue="former")
    call_command("tasks", "purge", "former", stdout=StringIO())
    assert not LiveTask.objects.exists()


@pytest.mark.parametrize(
    "arguments",
    [("limit", "slow", "-1"), ("limit", "slow", "40000"), ("list", "--limit", "-1"), ("runs", "--limit", "x")],
)
def test_a_number_that_is_none_is_refused(backend: PostgresBackend, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="has to be a whole number"):
        call_command("tasks", *arguments)


def test_code_that_limits_a_queue_to_no_number_is_told_so(operator: Operator) -> None:
    with pytest.raises(ValueError, match="running_max"):
        operator.limit("slow", 0)


def test_a_worker_until_empty_does_what_is_ready_and_due_and_ends(backend: PostgresBackend, operator: Operator) -> None:
    later = tasks.echo.using(run_after=timezone.now() + timedelta(hours=1)).enqueue("later")
    operator.pause("other")
    paused = tasks.echo.using(queue_name="other").enqueue("paused")
    backend.enqueue_many(tasks.echo, [((number,), {}) for number in range(50)])
    tasks.echo.using(run_after=timezone.now() - timedelta(hours=1), priority=-100).enqueue("due")
    tasks.aecho.enqueue("async")
    for number in range(3):
        tasks.echo.using(limit_key="one", limit_max=1).enqueue(number)
    Worker(backend, size=Size(processes=1), until_empty=True).run()
    # Beside what was enqueued here a schedule of the site's may have come due.
    ours = {"path__startswith": tasks.__name__}
    assert FinishedTask.objects.filter(**ours).count() == 55
    assert {task.id for task in LiveTask.objects.filter(**ours)} == {int(later.id), int(paused.id)}


def test_a_worker_until_empty_waits_for_what_it_runs_and_for_what_that_enqueues(backend: PostgresBackend) -> None:
    first = tasks.enqueues_another.enqueue(3)
    Worker(backend, until_empty=True).run()
    first.refresh()
    assert first.status == TaskResultStatus.SUCCESSFUL
    assert tasks.RAN == [3, 2, 1, 0]


def test_a_worker_until_empty_leaves_what_another_runs(backend: PostgresBackend) -> None:
    with working(backend, ["slow"]):
        tasks.waits_at_the_gate.using(queue_name="slow").enqueue("elsewhere")
        assert tasks.STARTED.wait(60)
        Worker(backend, until_empty=True).run()
        tasks.GATE.set()
        eventually(lambda: FinishedTask.objects.count() == 1)


def test_the_command_says_what_it_works_on_and_ends_when_nothing_is_left(project: Project) -> None:
    project.python("from tests.engines.tasks.project import tasks; tasks.echo.enqueue(1)")
    said = project.manage("worker", "--until-empty", "--queues", "default, slow", "--threads", "2", "--processes", "1")
    assert said.startswith("Works on default, slow. Threads: 2, coroutines: 100, processes: 1. Database: default (")
    assert project.value("SELECT count(*) FROM tasks_finished") == 1
