"""Runs of pipelines: their order, their checkpoints, their failures, and how they go on."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from mutoscope.engines.tasks.pipelines import pipeline as pipeline_module
from mutoscope.engines.tasks.pipelines.models import Run, UnitRecord
from mutoscope.engines.tasks.pipelines.pipeline import UnknownRun, WrongState, cancel, resume
from mutoscope.engines.tasks.pipelines.progress import read_progress
from mutoscope.engines.tasks.pipelines.store import RunStore
from mutoscope.engines.tasks.pipelines.timeline import read_timeline
from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.models import FinishedTask, LiveTask
from mutoscope.engines.tasks.queue.operate import Operator
from tests.engines.tasks.conftest import eventually, working
from tests.engines.tasks.processes import Project
from tests.engines.tasks.project import tasks
from tests.engines.tasks.project.pipelines import FILM, GATED, REFUSING, STUMBLING, Film


def ended(run_id: int) -> Run:
    """The run, once it has ended."""
    return eventually(
        lambda: Run.objects.exclude(state="RUNNING").filter(id=run_id).first(), f"the end of run {run_id}"
    )


def outputs(run_id: int) -> dict[str, str]:
    """In the order in which they were written: without one, a plan by the key's index has them by their names."""
    written = UnitRecord.objects.filter(run_id=run_id).order_by("finished_at")
    return {f"{row.unit}{row.item}": row.output for row in written}


def test_a_pipeline_runs_every_unit_once_and_in_order(backend: PostgresBackend) -> None:
    run_id = FILM.start(Film("Voyage", (240, 480, 720)), subject="film:1")
    with working(backend):
        assert ended(run_id).state == "SUCCEEDED"
    assert tasks.RAN[:2] == ["probe", "plan"]
    assert sorted(tasks.RAN[2:8]) == sorted(
        f"{what} {height}" for what in ("encode", "check") for height in (240, 480, 720)
    )
    assert tasks.RAN[8] == "package"
    assert sorted(tasks.RAN[9:11]) == ["cover", "sprites"]
    assert tasks.RAN[11:] == ["publish"]
    assert outputs(run_id)["package"] == "1440000"
    assert outputs(run_id)["encode*"] == "[240,480,720]"
    assert outputs(run_id)["check1"] == '{"height":480,"bytes":480000}'
    assert outputs(run_id)["publish"] == '"sprites of 1440000, cover of 12.5 s"'
    assert not LiveTask.objects.exists()


def test_a_fan_out_over_nothing_goes_on(backend: PostgresBackend) -> None:
    run_id = FILM.start(Film("Nothing", ()))
    with working(backend):
        assert ended(run_id).state == "SUCCEEDED"
    assert outputs(run_id)["package"] == "0"


def test_a_rolled_back_start_leaves_nothing(backend: PostgresBackend) -> None:
    with transaction.atomic():
        FILM.start(Film("Never", (1,)))
        transaction.set_rollback(True)
    assert not Run.objects.exists()
    assert not LiveTask.objects.exists()


def test_units_run_in_children_and_across_worker_processes(project: Project) -> None:
    project.start_worker("--processes", "1")
    project.python("from tests.engines.tasks.project.pipelines import CHILD; CHILD.start(41)")
    project.eventually("SELECT max(output) FROM tasks_unit", "42")
    project.eventually("SELECT state FROM tasks_run", "SUCCEEDED")


def test_many_runs_side_by_side_do_not_mix(backend: PostgresBackend) -> None:
    run_ids = [FILM.start(Film(str(number), (number, number + 1))) for number in range(20)]
    with working(backend), working(backend):
        for run_id in run_ids:
            assert ended(run_id).state == "SUCCEEDED"
    for number, run_id in enumerate(run_ids):
        assert outputs(run_id)["package"] == str((2 * number + 1) * 1000)


def test_a_failed_run_keeps_what_was_done_and_goes_on_from_there(backend: PostgresBackend) -> None:
    run_id = STUMBLING.start("it")
    with working(backend):
        failed = ended(run_id)
        assert failed.state == "FAILED"
        assert "the gate is shut" in str(failed.error)
        assert outputs(run_id) == {"before": '"it began"'}
        tasks.GATE.set()
        assert resume(run_id) == [("stumble", "")]
        assert ended(run_id).state == "SUCCEEDED"
    assert tasks.RAN == ["before", "stumble", "stumble", "after"]
    assert outputs(run_id)["after"] == '"it began stumbled ended"'


def test_retrying_the_dead_letter_goes_on_with_its_run(backend: PostgresBackend, operator: Operator) -> None:
    run_id = STUMBLING.start("it")
    with working(backend):
        assert ended(run_id).state == "FAILED"
        tasks.GATE.set()
        dead = FinishedTask.objects.get(run_id=run_id, status=2)
        assert operator.retry([str(dead.id)]) == [str(dead.id)]
        assert ended(run_id).state == "SUCCEEDED"


@pytest.mark.parametrize(("sentence", "shown"), [("This file is no film.", "This file is no film."), ("", "Declined")])
def test_a_run_whose_unit_declined_says_why_and_goes_on_when_told(
    backend: PostgresBackend, operator: Operator, sentence: str, shown: str
) -> None:
    run_id = REFUSING.start(sentence)
    with working(backend):
        assert ended(run_id).state == "FAILED"
        (row,) = read_timeline(run_id).rows
        assert row.state == "declined"
        assert shown in row.note
        task = FinishedTask.objects.get(run_id=run_id)
        assert operator.retry([str(task.id)]) == [str(task.id)]
        assert ended(run_id).state == "FAILED"


def test_a_run_that_runs_or_succeeded_cannot_be_resumed(backend: PostgresBackend) -> None:
    run_id = STUMBLING.start("it")
    with pytest.raises(WrongState):
        resume(run_id)
    with pytest.raises(UnknownRun):
        resume(404)


def test_a_cancelled_run_stops_and_can_be_resumed(backend: PostgresBackend) -> None:
    tasks.GATE.set()
    run_id = STUMBLING.start("it")
    assert cancel(run_id)
    assert not cancel(run_id)
    assert Run.objects.get(id=run_id).state == "CANCELLED"
    assert not LiveTask.objects.exists()
    assert resume(run_id) == [("before", "")]
    with working(backend):
        assert ended(run_id).state == "SUCCEEDED"


def test_a_run_is_not_resumed_before_what_was_cancelled_has_ended(backend: PostgresBackend) -> None:
    run_id = GATED.start("it")
    with working(backend):
        assert tasks.STARTED.wait(60)
        assert cancel(run_id)
        with pytest.raises(WrongState, match="its unit at_the_gate was cancelled and has not ended yet"):
            resume(run_id)
        tasks.GATE.set()
        eventually(lambda: not LiveTask.objects.exists())
        assert Run.objects.get(id=run_id).state == "CANCELLED"
        assert resume(run_id) == [("at_the_gate", "")]
        assert ended(run_id).state == "SUCCEEDED"


def test_a_stopped_run_that_is_resumed_before_its_task_has_ended_is_not_left_running(
    backend: PostgresBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks.GATE.set()
    run_id = STUMBLING.start("it")
    stop = RunStore.stop

    def stop_and_be_resumed(self: RunStore, run: int, reason: str) -> None:
        stop(self, run, reason)
        monkeypatch.undo()
        assert resume(run) == []

    monkeypatch.setattr(RunStore, "stop", stop_and_be_resumed)
    monkeypatch.setattr(STUMBLING, "units", {})
    with working(backend):
        failed = eventually(lambda: Run.objects.filter(id=run_id, state="FAILED").first())
        assert "has no unit before" in str(failed.error)
        assert resume(run_id) == [("before", "")]
        assert ended(run_id).state == "SUCCEEDED"


def test_a_checkpoint_whose_unit_the_code_lost_stops_that_run_and_no_other(
    backend: PostgresBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks.GATE.set()
    run_id, other = STUMBLING.start("it"), FILM.start(Film("Other", (1,)))
    UnitRecord.objects.create(
        run_id=run_id,
        unit="long_gone",
        version=1,
        attempt=1,
        task_id=1,
        started_at=Run.objects.get(id=run_id).started_at,
        finished_at=Run.objects.get(id=run_id).started_at,
    )
    with working(backend):
        stopped = ended(run_id)
        assert stopped.state == "STOPPED"
        assert "long_gone" in str(stopped.error)
        assert ended(other).state == "SUCCEEDED"
        with pytest.raises(WrongState, match="long_gone"):
            resume(run_id)


def test_a_run_of_a_pipeline_that_the_code_lost_is_stopped(
    backend: PostgresBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = STUMBLING.start("it")
    monkeypatch.setattr(pipeline_module, "_PIPELINES", {})
    with working(backend):
        assert "no pipeline" in str(ended(run_id).error)


def test_progress_is_weighted_and_ends_at_one(backend: PostgresBackend) -> None:
    run_id = FILM.start(Film("Voyage", (240, 480)))
    begun = read_progress(run_id)
    assert begun.fraction == 0
    assert set(begun.parts.values()) == {0.0}
    seen: list[float] = []

    def look() -> bool:
        progress = read_progress(run_id)
        seen.append(progress.fraction)
        return progress.state == "SUCCEEDED"

    with working(backend):
        eventually(look)
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert set(read_progress(run_id).parts.values()) == {1.0}, "each unit is done, with all of its items"


def test_an_older_version_of_an_output_is_upgraded(backend: PostgresBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.engines.tasks.project.pipelines import Before

    def upgrade(self: Any, version: int, stored: Any) -> str:
        return f"{stored['old']} upgraded from {version}"

    run_id = STUMBLING.start("it")
    with working(backend):
        ended(run_id)
        UnitRecord.objects.update(output='{"old": "it"}')
        monkeypatch.setattr(Before, "version", 2)
        monkeypatch.setattr(Before, "upgrade", upgrade)
        tasks.GATE.set()
        resume(run_id)
        assert ended(run_id).state == "SUCCEEDED"
    assert outputs(run_id)["after"] == '"it upgraded from 1 stumbled ended"'
