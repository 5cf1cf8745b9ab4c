"""What a user may put into pipelines of their own: units, their policies and queues, and what is refused before it runs."""

from __future__ import annotations

from typing import Any

import pytest

from mutoscope.engines.tasks.pipelines import pipeline as pipeline_module
from mutoscope.engines.tasks.pipelines.context import UnitContext
from mutoscope.engines.tasks.pipelines.joins import WrongJoin
from mutoscope.engines.tasks.pipelines.models import Run, UnitRecord
from mutoscope.engines.tasks.pipelines.pipeline import (
    Pipeline,
    PipelineError,
    WrongState,
    cancel,
    check_pipelines,
    resume,
)
from mutoscope.engines.tasks.pipelines.units import AsyncUnit, Unit, WrongUnit, parallel
from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.models import LiveTask
from mutoscope.engines.tasks.queue.policy import Policy
from tests.engines.tasks.conftest import working
from tests.engines.tasks.pipelines.test_runs import ended
from tests.engines.tasks.project.pipelines import STUMBLING


class OneTry(Unit[int, int]):
    key = "shared"
    policy = Policy(attempts_max=1)

    def run(self, context: UnitContext, value: int) -> int:
        raise ValueError("one try")


class ThreeTries(Unit[int, int]):
    key = "shared"
    policy = Policy(attempts_max=3, backoff_s=0.01)

    def run(self, context: UnitContext, value: int) -> int:
        if context.attempt < 3:
            raise ValueError("not yet")
        return value


ONE_TRY = Pipeline("borrowing: one try", OneTry())
THREE_TRIES = Pipeline("borrowing: three tries", ThreeTries())


def test_units_of_two_pipelines_with_one_key_keep_their_own_policies(backend: PostgresBackend) -> None:
    one, three = ONE_TRY.start(1), THREE_TRIES.start(1)
    with working(backend):
        assert ended(one).state == "FAILED"
        assert ended(three).state == "SUCCEEDED"
    assert UnitRecord.objects.get(run_id=three).attempt == 3


def test_a_unit_that_was_enqueued_before_calls_named_their_pipelines_still_runs(backend: PostgresBackend) -> None:
    run_id = STUMBLING.start("it")
    LiveTask.objects.filter(run_id=run_id).update(kwargs=f'{{"run":{run_id},"unit":"before","item":""}}')
    with working(backend):
        assert "the gate is shut" in str(ended(run_id).error)


@pytest.mark.parametrize(
    ("root", "said", "complaint"),
    [
        (AsyncUnit, {"atomic": True}, "cannot be atomic"),
        (AsyncUnit, {"policy": Policy(run_in="process")}, "not in a process"),
        (Unit, {"weight": float("nan")}, "weight"),
        (Unit, {"weight": -1}, "weight"),
        (Unit, {"weight": "2"}, "weight"),
        (Unit, {"version": 0}, "version"),
        (Unit, {"version": 40_000}, "version"),
        (Unit, {"key": 7}, "key"),
        (Unit, {"queue_name": None}, "queue_name"),
        (Unit, {"policy": 3}, "policy"),
        (Unit, {"policy": Policy(unique_key="one")}, "unique_key"),
        (Unit, {"policy": Policy(limit_key=lambda **_: "one")}, "limit_key"),
    ],
)
def test_a_unit_that_no_worker_can_run_as_it_says_is_refused_where_it_is_declared(
    root: type, said: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(WrongUnit, match=rf"Faulty: .*{complaint}"):
        type("Faulty", (root,), said)


def test_a_pipeline_needs_a_name_and_a_step() -> None:
    with pytest.raises(PipelineError, match="name is a text"):
        Pipeline("", OneTry())
    with pytest.raises(PipelineError, match=r"'a class': .* is no step"):
        Pipeline("a class", OneTry)  # type: ignore[arg-type]
    with pytest.raises(WrongJoin, match="at least one step"):
        parallel()  # type: ignore[call-overload]


@pytest.mark.parametrize("priority", [101, -101, True, 1.0, None, "1"])
def test_a_priority_that_is_none_is_refused_before_anything_is_written(backend: PostgresBackend, priority: Any) -> None:
    with pytest.raises(ValueError, match="priority is a whole number from -100 to 100"):
        ONE_TRY.start(1, priority=priority)
    assert not Run.objects.exists()


@pytest.mark.parametrize("subject", [None, 7, "a\x00b"])
def test_a_subject_that_is_no_text_is_refused(backend: PostgresBackend, subject: Any) -> None:
    with pytest.raises(ValueError, match="subject is a text"):
        ONE_TRY.start(1, subject=subject)


class Astray(ThreeTries):
    queue_name = "nosuchqueue"


def test_a_queue_that_nobody_works_at_is_refused_by_start_and_by_the_checks(
    backend: PostgresBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_module, "_PIPELINES", {})
    astray = Pipeline("borrowing: astray", Astray())
    with pytest.raises(PipelineError, match=r"unit astray has the queue 'nosuchqueue', .* children, default"):
        astray.start(1)
    assert not Run.objects.exists()
    assert [(message.id, "nosuchqueue" in message.msg) for message in check_pipelines()] == [("tasks.E010", True)]


def test_a_run_whose_queue_was_taken_away_is_not_resumed_into_it(
    backend: PostgresBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = ONE_TRY.start(1)
    cancel(run_id)
    monkeypatch.setattr(ONE_TRY, "queues", {"gone"})
    monkeypatch.setattr(OneTry, "queue_name", "gone")
    with pytest.raises(WrongState, match="'gone'"):
        resume(run_id)
    assert Run.objects.get(id=run_id).state == "CANCELLED"
