"""Many items, and code that changes while runs are under way."""

from __future__ import annotations

from typing import Any

import pytest

from mutoscope.engines.tasks.pipelines import pipeline as pipeline_module
from mutoscope.engines.tasks.pipelines import timeline
from mutoscope.engines.tasks.pipelines.context import UnitContext
from mutoscope.engines.tasks.pipelines.pipeline import Pipeline, resume
from mutoscope.engines.tasks.pipelines.store import StoredCheckpoints
from mutoscope.engines.tasks.pipelines.units import Step, Unit, each, parallel
from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.models import LiveTask
from mutoscope.engines.tasks.queue.policy import Policy
from tests.engines.tasks.conftest import eventually, working
from tests.engines.tasks.pipelines.test_runs import ended, outputs
from tests.engines.tasks.project import tasks


class Begin(Unit[int, list[int]]):
    def run(self, context: UnitContext, value: int) -> list[int]:
        return list(range(value))


class Grow(Unit[int, int]):
    policy = Policy(attempts_max=1, limit_key="fan-outs", limit_max=4)

    def run(self, context: UnitContext, value: int) -> int:
        return value + 1


class Double(Unit[int, int]):
    policy = Policy(attempts_max=1)

    def run(self, context: UnitContext, value: int) -> int:
        if value == 3 and not tasks.GATE.is_set():
            raise ValueError("the gate is shut")
        return value * 2


class Same(Unit[int, int]):
    def run(self, context: UnitContext, value: int) -> int:
        return value + len(context.output_of(Begin))


class Left(Unit[int, int]):
    def run(self, context: UnitContext, value: int) -> int:
        return value


class Right(Left):
    pass


class Pairs(Unit[list[tuple[int, int]], list[int]]):
    def run(self, context: UnitContext, value: list[tuple[int, int]]) -> list[int]:
        return [one + other for one, other in value]


class Total(Unit[list[int], int]):
    def run(self, context: UnitContext, value: list[int]) -> int:
        return sum(value)


class Beside(Unit[list[int], int]):
    def run(self, context: UnitContext, value: list[int]) -> int:
        return len(value)


class Both(Unit[tuple[int, int], int]):
    def run(self, context: UnitContext, value: tuple[int, int]) -> int:
        return sum(value)


def itself(values: list[int]) -> list[int]:
    return values


MANY = Pipeline("fan-outs: many", Begin() >> each(Grow() >> Double(), by=itself) >> Total())
EVERYWHERE = Pipeline(
    "fan-outs: everywhere",
    Begin()
    >> each(Grow() >> parallel(Left(), Right()), by=itself)
    >> Pairs()
    >> parallel(each(Double() >> Same(), by=itself) >> Total(), Beside())
    >> Both(),
)


def test_what_one_item_costs_does_not_grow_with_their_number(
    backend: PostgresBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks.GATE.set()
    whole: list[str] = []
    items = StoredCheckpoints.items

    def noted(self: StoredCheckpoints, fan_out: Any) -> Any:
        whole.append(fan_out.key)
        return items(self, fan_out)

    monkeypatch.setattr(StoredCheckpoints, "items", noted)
    run_id = MANY.start(40)
    with working(backend):
        assert ended(run_id).state == "SUCCEEDED"
    assert outputs(run_id)["total"] == str(2 * sum(range(1, 41)))
    assert len(whole) < 10, "the whole list is looked at where it begins and where it has ended, not for each item"


def test_fan_outs_and_parallel_steps_inside_each_other_go_on_when_all_have_ended(backend: PostgresBackend) -> None:
    tasks.GATE.set()
    run_ids = [EVERYWHERE.start(number) for number in (0, 1, 12)]
    with working(backend), working(backend):
        for run_id in run_ids:
            assert ended(run_id).state == "SUCCEEDED"
    assert [outputs(run_id)["both"] for run_id in run_ids] == [
        str(sum(2 * 2 * (item + 1) + number for item in range(number)) + number) for number in (0, 1, 12)
    ]


def test_a_fan_out_of_which_one_item_failed_goes_on_with_that_one(backend: PostgresBackend) -> None:
    run_id = MANY.start(8)
    with working(backend):
        assert ended(run_id).state == "FAILED"
        eventually(lambda: not LiveTask.objects.exists())
        tasks.GATE.set()
        assert ("double", "2") in resume(run_id)
        assert ended(run_id).state == "SUCCEEDED"


def test_the_timeline_of_many_items_shows_those_that_failed_and_counts_the_rest(
    backend: PostgresBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "ITEMS_SHOWN_MAX", 3)
    run_id = MANY.start(8)
    with working(backend):
        assert ended(run_id).state == "FAILED"
        eventually(lambda: not LiveTask.objects.exists())
    rows = [row for row in timeline.read_timeline(run_id).rows if row.unit == "grow"]
    assert [(row.item, row.state) for row in rows[:3]] == [("0", "done"), ("1", "done"), ("2", "done")]
    assert (rows[3].state, rows[3].note) == ("5 more", "5 done")
    assert "failed" in {row.state for row in timeline.read_timeline(run_id).rows if row.unit == "double"}


def changed(monkeypatch: pytest.MonkeyPatch, name: str, step: Step[Any, Any]) -> None:
    """The next deployment has this pipeline under the name."""
    monkeypatch.delitem(pipeline_module._PIPELINES, name)
    Pipeline(name, step)


def test_a_branch_that_newer_code_added_is_run_before_what_joins_them(
    backend: PostgresBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = Pipeline("fan-outs: a branch", parallel(Left(), Right()) >> Both())
    run_id = older.start(1)

    class Third(Left):
        pass

    class AllThree(Unit[tuple[int, int, int], int]):
        key = "both"

        def run(self, context: UnitContext, value: tuple[int, int, int]) -> int:
            return sum(value)

    changed(monkeypatch, older.name, parallel(Left(), Right(), Third()) >> AllThree())
    with working(backend):
        assert ended(run_id).state == "SUCCEEDED"
    assert outputs(run_id)["both"] == "3"


def test_a_unit_that_newer_code_added_to_each_item_is_run_for_those_that_had_ended(
    backend: PostgresBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = Pipeline("fan-outs: an item's unit", Begin() >> each(Left() >> Double(), by=itself) >> Total())
    run_id = older.start(5)
    with working(backend):
        # The item 3 fails, all others end.
        assert ended(run_id).state == "FAILED"
        eventually(lambda: not LiveTask.objects.exists())
        tasks.GATE.set()
        changed(monkeypatch, older.name, Begin() >> each(Left() >> Double() >> Same(), by=itself) >> Total())
        resume(run_id)
        assert ended(run_id).state == "SUCCEEDED"
    assert outputs(run_id)["total"] == str(2 * (0 + 1 + 2 + 3 + 4) + 5 * 5)


def test_a_unit_put_before_a_fan_out_that_is_under_way_stops_the_run_until_it_is_resumed(
    backend: PostgresBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = Pipeline("fan-outs: before", Begin() >> each(Left() >> Double(), by=itself) >> Total())
    run_id = older.start(5)

    class Between(Unit[list[int], list[int]]):
        def run(self, context: UnitContext, value: list[int]) -> list[int]:
            return value

    with working(backend):
        assert ended(run_id).state == "FAILED"
        eventually(lambda: not LiveTask.objects.exists())
    resume(run_id)
    changed(monkeypatch, older.name, Begin() >> Between() >> each(Left() >> Double(), by=itself) >> Total())
    tasks.GATE.set()
    with working(backend):
        assert ended(run_id).state == "STOPPED"
        eventually(lambda: not LiveTask.objects.exists())
        assert ("between", "") in resume(run_id)
        assert ended(run_id).state == "SUCCEEDED"
    assert outputs(run_id)["total"] == "20"
