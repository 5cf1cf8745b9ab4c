"""Steps whose checkpoints a worker writes for many runs at once, and the last of them, which end their runs."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest
from django.db import transaction

from mutoscope.engines.postgres.prepared import Value
from mutoscope.engines.tasks.compat import TaskResult, TaskResultStatus, task_finished, task_started
from mutoscope.engines.tasks.pipelines.models import Run, UnitRecord
from mutoscope.engines.tasks.pipelines.pipeline import Pipeline, cancel, resume
from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.connection import Line
from mutoscope.engines.tasks.queue.models import FinishedTask, LiveTask
from mutoscope.engines.tasks.queue.results import CANCELLED, SUCCESSFUL
from mutoscope.engines.tasks.queue.worker.desk import SQL, Desk
from mutoscope.engines.tasks.queue.worker.execution import Surroundings, run_in_thread
from mutoscope.engines.tasks.queue.worker.steps import Steps
from mutoscope.engines.tasks.queue.worker.worker import Size
from tests.engines.tasks.conftest import eventually, working
from tests.engines.tasks.pipelines.test_runs import ended, outputs
from tests.engines.tasks.project import tasks
from tests.engines.tasks.project.pipelines import GATED, LONG, LONG_ASYNC


@pytest.mark.parametrize("pipeline", [LONG, LONG_ASYNC], ids=lambda pipeline: pipeline.name)
def test_many_runs_that_share_commits_do_not_mix(backend: PostgresBackend, pipeline: Pipeline[int, int]) -> None:
    with transaction.atomic():
        runs = {pipeline.start(1000 * number): 1000 * number for number in range(10)}
    with working(backend):
        for run_id in runs:
            assert ended(run_id).state == "SUCCEEDED"
    last = list(pipeline.units)[-1]
    assert {run_id: outputs(run_id)[last] for run_id in runs} == {
        run_id: str(value + 30) for run_id, value in runs.items()
    }
    assert set(Counter(UnitRecord.objects.values_list("run_id", flat=True)).values()) == {30}
    assert FinishedTask.objects.filter(status=SUCCESSFUL).count() == 10, (
        "one task for each run, made anew for each step"
    )
    assert not LiveTask.objects.exists()


def test_a_worker_that_stops_between_steps_leaves_them_to_the_next(backend: PostgresBackend) -> None:
    with transaction.atomic():
        runs = [LONG.start(number) for number in range(40)]
    with working(backend, size=Size(threads=2)):
        eventually(lambda: UnitRecord.objects.count() > 100)
    assert not LiveTask.objects.exclude(worker_id=None).exists()
    with working(backend):
        for run_id in runs:
            assert ended(run_id).state == "SUCCEEDED"
    assert UnitRecord.objects.count() == 40 * 30
    # Going back and being claimed again is no attempt.
    assert set(UnitRecord.objects.values_list("attempt", flat=True)) == {1}


def test_a_run_cancelled_in_its_last_step_does_not_succeed(backend: PostgresBackend) -> None:
    run_id = GATED.start("it")
    with working(backend):
        assert tasks.STARTED.wait(60)
        assert cancel(run_id)
        tasks.GATE.set()
        eventually(lambda: not LiveTask.objects.exists())
    assert Run.objects.get(id=run_id).state == "CANCELLED"
    assert list(outputs(run_id)) == ["before"]
    assert FinishedTask.objects.get().status == CANCELLED
    with working(backend):
        assert resume(run_id) == [("at_the_gate", "")]
        assert ended(run_id).state == "SUCCEEDED"


def test_a_worker_that_lost_its_lease_cannot_end_the_run(backend: PostgresBackend) -> None:
    run_id = GATED.start("it")
    with working(backend, size=Size(threads=1)) as worker:
        assert tasks.STARTED.wait(60)
        # Someone else claims it, as after a reaping.
        LiveTask.objects.update(worker_id=worker.desk.worker_id + 1000)
        tasks.GATE.set()
        eventually(lambda: worker.tally.refused == 1)
        assert Run.objects.get(id=run_id).state == "RUNNING"
        assert list(outputs(run_id)) == ["before"]
        LiveTask.objects.all().delete()


def test_a_last_step_keeps_its_output_though_its_run_was_stopped_meanwhile(backend: PostgresBackend) -> None:
    run_id = GATED.start("it")
    with working(backend):
        assert tasks.STARTED.wait(60)
        Run.objects.update(state="STOPPED")
        tasks.GATE.set()
        eventually(lambda: not LiveTask.objects.exists())
    assert Run.objects.get(id=run_id).state == "STOPPED"
    assert list(outputs(run_id)) == ["before", "at_the_gate"]
    assert resume(run_id) == []
    assert Run.objects.get(id=run_id).state == "SUCCEEDED"


def test_each_step_tells_that_it_started_and_ended(backend: PostgresBackend) -> None:
    heard: list[tuple[str, Any, TaskResultStatus]] = []

    def started(task_result: TaskResult[Any], **_: Any) -> None:
        heard.append(("started", task_result.kwargs["unit"], task_result.status))

    def finished(task_result: TaskResult[Any], **_: Any) -> None:
        heard.append(("finished", task_result.kwargs["unit"], task_result.status))

    tasks.GATE.set()
    task_started.connect(started)
    task_finished.connect(finished)
    try:
        with working(backend):
            ended(GATED.start("it"))
    finally:
        task_started.disconnect(started)
        task_finished.disconnect(finished)
    running, successful = TaskResultStatus.RUNNING, TaskResultStatus.SUCCESSFUL
    assert heard == [
        ("started", "before", running),
        ("finished", "before", successful),
        ("started", "at_the_gate", running),
        ("finished", "at_the_gate", successful),
    ]


class BreaksOnce(Line):
    """A connection that breaks when it is first asked to end tasks."""

    broken = False

    def call(self, statement: str, parameters: Mapping[str, Value]) -> list[tuple[Any, ...]]:
        if statement == SQL["finish"] and not self.broken:
            self.broken = True
            raise psycopg.OperationalError("the server closed the connection")
        return super().call(statement, parameters)


def test_a_connection_that_breaks_between_two_statements_ends_no_step_that_goes_on(backend: PostgresBackend) -> None:
    with transaction.atomic():
        LONG.start(1)
        LONG.start(2)
    line = BreaksOnce(backend.configuration.direct, "tasks steps", threading.Event())
    desk = Desk(line, ["default"])
    desk.register("a test", 1)
    steps = Steps(line, desk, onward=lambda _: None, answered=lambda: None)
    around = Surroundings(backend.alias, PostgresBackend, lambda: desk.worker_id, lambda _: None)
    jobs = desk.claim(2)
    for job in jobs:
        run_in_thread(job, around)
        steps.ended.append(job)
    goes_on, lost = jobs
    LiveTask.objects.filter(id=lost.id).update(lease=100)
    assert steps.flush()
    line.close()
    assert line.broken
    assert '"unit":"add1"' in LiveTask.objects.get(id=goes_on.id).kwargs
    assert not FinishedTask.objects.exists()
    (written,) = steps.take()
    assert (written.jobs, written.kept, written.certain) == ([goes_on, lost], set(), False)
