"""The `tasks` command, and the metrics."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from prometheus_client import CollectorRegistry, generate_latest

from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.metrics import QueueCollector
from mutoscope.engines.tasks.queue.models import FinishedTask, LiveTask, QueueSettings
from tests.engines.tasks.conftest import eventually, finished, working
from tests.engines.tasks.project import tasks
from tests.engines.tasks.project.pipelines import STUMBLING


def tell(*arguments: str) -> Any:
    """What the command answers, as JSON. The same without --json has to print something too."""
    text = StringIO()
    call_command("tasks", *arguments, "--json", stdout=text)
    return json.loads(text.getvalue())


def test_tasks_are_listed_shown_cancelled_retried_and_dropped(backend: PostgresBackend) -> None:
    waiting = tasks.add.enqueue(1, b=2)
    with working(backend, ["other"]):
        dead = finished(tasks.fail.using(queue_name="other").enqueue("dead"))
    assert [row["id"] for row in tell("list")] == [dead.id, waiting.id]
    assert [row["id"] for row in tell("list", "--state", "failed", "--queue", "other")] == [dead.id]
    assert [row["id"] for row in tell("list", "--state", "ready")] == [waiting.id]
    assert tell("list", "--state", "running") == []
    shown = tell("show", waiting.id)
    assert (shown["task"], shown["args"], shown["kwargs"]) == (tasks.add.module_path, [1], {"b": 2})
    assert "dead" in tell("show", dead.id)["errors"][0]
    assert tell("cancel", waiting.id, "404") == {"cancelled": [waiting.id]}
    assert tell("retry", dead.id) == {"retried": [dead.id]}
    assert tell("drop", waiting.id) == {"dropped": 1}
    assert not FinishedTask.objects.exists()
    for action in ("cancel", "retry", "drop"):
        with pytest.raises(CommandError, match="Nothing was done: none of 404, x"):
            call_command("tasks", action, "404", "x")
    with pytest.raises(CommandError, match="no task 404"):
        call_command("tasks", "show", "404")


def test_a_task_that_declined_is_listed_and_shown_as_that(backend: PostgresBackend) -> None:
    with working(backend):
        declined = finished(tasks.declines.enqueue())
    assert [row["id"] for row in tell("list", "--state", "declined")] == [declined.id]
    assert tell("list", "--state", "failed") == []
    assert tell("show", declined.id)["state"] == "DECLINED"


def test_queues_are_shown_paused_resumed_limited_and_purged(backend: PostgresBackend) -> None:
    tasks.echo.using(queue_name="slow").enqueue(1)
    tell("pause", "slow")
    tell("limit", "slow", "3")
    row = next(row for row in tell("queues") if row["queue"] == "slow")
    assert (row["ready"], row["paused"], row["running_max"]) == (1, True, 3)
    tell("resume", "slow")
    tell("limit", "slow", "0")
    settings = QueueSettings.objects.get(name="slow")
    assert (settings.paused, settings.running_max) == (False, None)
    assert tell("purge", "slow") == {"purged": 1}
    assert not LiveTask.objects.exists()


def test_runs_are_listed_shown_cancelled_and_resumed(backend: PostgresBackend) -> None:
    run_id = str(STUMBLING.start("it", subject="film:7"))
    assert tell("runs")[0]["subject"] == "film:7"
    assert tell("run", run_id)["running"] == ["before"]
    assert tell("cancel-run", run_id) == {"cancelled": True}
    assert tell("resume-run", run_id)["units"] == ["before"]
    with pytest.raises(CommandError, match="nothing to resume"):
        call_command("tasks", "resume-run", run_id)


def test_people_get_a_table(backend: PostgresBackend) -> None:
    tasks.echo.enqueue(1)
    text = StringIO()
    call_command("tasks", "list", stdout=text)
    head, row = text.getvalue().splitlines()
    assert head.split() == ["id", "task", "queue", "state", "attempt", "enqueued"]
    assert "ready" in row


def test_metrics_tell_depth_age_throughput_failures_and_lost_leases(backend: PostgresBackend) -> None:
    registry = CollectorRegistry()
    registry.register(QueueCollector())
    tasks.echo.using(queue_name="slow").enqueue(1)
    with working(backend, ["default"]) as worker:
        finished(tasks.echo.enqueue(1))
        finished(tasks.fail.enqueue())
        eventually(lambda: b'tasks_attempts_total{outcome="failed"} 1.0' in generate_latest(registry))
        assert worker.tally.succeeded == 1
        text = generate_latest(registry).decode()
    assert 'tasks_depth{queue="slow",state="ready"} 1.0' in text
    assert 'tasks_depth{queue="default",state="ready"} 0.0' in text
    assert 'tasks_attempts_total{outcome="succeeded"} 1.0' in text
    assert 'tasks_dead_letters{queue="default"} 1.0' in text
    assert "tasks_lease_losses_total 0.0" in text
    assert "tasks_workers 1.0" in text
    assert 'tasks_oldest_ready_seconds{queue="slow"} ' in text
