"""Runs and checkpoints in the database, on Django's own connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import transaction

from mutoscope.engines.postgres.prepared import fetch_prepared
from mutoscope.engines.tasks.pipelines.codec import DoesNotFit, build, dump, keep, load
from mutoscope.engines.tasks.pipelines.joins import fits, shown
from mutoscope.engines.tasks.pipelines.plan import ITEMS, Outlook, Place, look_ahead, look_at_item
from mutoscope.engines.tasks.pipelines.units import AnyUnit, AsyncUnit, Each
from mutoscope.engines.tasks.queue.arrays import texts
from mutoscope.engines.tasks.queue.backend import PostgresBackend, backend_of
from mutoscope.engines.tasks.queue.encoding import decode, encode
from mutoscope.engines.tasks.statements import statements

if TYPE_CHECKING:
    from mutoscope.engines.tasks.pipelines.pipeline import Pipeline

SQL = statements(Path(__file__).with_name("queries.sql"))

# Statements that wait for rows which others may hold for long.
WAITING = frozenset({"lock_run", "own_task", "lock_live", "end_run", "resume_run", "checkpoint"})

TASKS_MODULE = "mutoscope.engines.tasks.pipelines.tasks"


class UnknownRun(LookupError):
    """No run has that number."""


class WrongState(Exception):
    """The run is not in a state in which this can be done."""


class LeaseLost(Exception):
    """The task is no longer this worker's: another runs it, or it was cancelled. Nothing was written."""


@dataclass(frozen=True, slots=True)
class RunRow:
    pipeline: str
    subject: str
    input: str
    state: str
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A unit that has ended, and by what right it says so."""

    run_id: int
    unit: AnyUnit[Any, Any]
    item: str
    output: str
    attempt: int
    task_id: int
    worker_id: int
    lease: int
    run_s: float


class StoredCheckpoints:
    """A run's checkpoints; outputs are fetched a unit at a time, when they are asked for.

    With `item`, only those of that item and of what is outside of fan-outs.
    """

    def __init__(self, store: RunStore, run_id: int | None, item: str | None = None) -> None:
        self._store = store
        self._run_id = run_id
        self._items = None if item is None else texts(dict.fromkeys(("", ITEMS, item)))
        rows = [] if run_id is None else self._rows(run_id)
        self.places: set[Place] = {(unit, item) for unit, item in rows}
        self._outputs: dict[str, dict[str, tuple[str, int]]] = {}

    def __contains__(self, place: Place) -> bool:
        return place in self.places

    def output(self, unit: AnyUnit[Any, Any], item: str) -> Any:
        stored, version = self._of(unit.key)[item]
        if version != unit.version:
            return build(unit.upgrade(version, decode(stored)), unit.made)
        return load(stored, unit.made)

    def items(self, fan_out: Each[Any, Any]) -> list[Any] | None:
        if (fan_out.key, ITEMS) not in self.places:
            return None
        stored, _ = self._of(fan_out.key)[ITEMS]
        return [build(item, fan_out.step.taken) for item in decode(stored)]

    def one_of(self, fan_out: Each[Any, Any], item: str) -> Any:
        stored, _ = self._of(fan_out.key)[ITEMS]
        return build(decode(stored)[int(item)], fan_out.step.taken)

    def unknown_to(self, pipeline: Pipeline[Any, Any]) -> list[str]:
        """Keys of checkpoints, of whichever item, that the code no longer has."""
        if self._items is None:
            return sorted({unit for unit, _ in self.places} - set(pipeline.units))
        return sorted({unit for (unit,) in self._store.query("unit_names", run_id=self._run_id)} - set(pipeline.units))

    def _rows(self, run_id: int) -> list[tuple[Any, ...]]:
        if self._items is None:
            return self._store.query("places", run_id=run_id)
        assert self._store.pipeline is not None
        return self._store.query(
            "item_places", run_id=run_id, units=texts(self._store.pipeline.units), items=self._items
        )

    def _of(self, key: str) -> dict[str, tuple[str, int]]:
        if key not in self._outputs:
            if self._items is None:
                rows = self._store.query("outputs", run_id=self._run_id, unit=key)
            else:
                rows = self._store.query("item_outputs", run_id=self._run_id, unit=key, items=self._items)
            self._outputs[key] = {item: (output, version) for item, output, version in rows}
        return self._outputs[key]


class RunStore:
    """What is done to runs of one pipeline, or of whichever when none is given."""

    def __init__(self, pipeline: Pipeline[Any, Any] | None, backend: str = "default") -> None:
        self.pipeline = pipeline
        self.backend: PostgresBackend = backend_of(pipeline.backend if pipeline else backend)
        self.database = self.backend.configuration.database

    def query(self, statement: str, **parameters: str | int | None) -> list[tuple[Any, ...]]:
        return fetch_prepared(self.database, SQL[statement], parameters, waits=statement in WAITING)

    def insert_run(self, subject: str, value: str, priority: int) -> int:
        assert self.pipeline is not None
        rows = self.query("insert_run", pipeline=self.pipeline.name, subject=subject, input=value, priority=priority)
        return int(rows[0][0])

    def run(self, run_id: int) -> RunRow:
        """Raises UnknownRun."""
        rows = self.query("run", run_id=run_id)
        if not rows:
            raise UnknownRun(f"There is no run {run_id}.")
        return RunRow(*rows[0])

    def lock(self, run_id: int) -> str:
        """The run's state, which stays so until this transaction ends. Raises UnknownRun."""
        rows = self.query("lock_run", run_id=run_id)
        if not rows:
            raise UnknownRun(f"There is no run {run_id}.")
        return str(rows[0][0])

    def live(self, run_id: int) -> list[tuple[Place, int]]:
        """Units of the run that wait or run now, with their tasks' ids."""
        found = []
        for kwargs, task_id, *_ in self.query("live_places", run_id=run_id):
            call = decode(kwargs)
            found.append(((call["unit"], call["item"]), int(task_id)))
        return found

    def no_checkpoints(self) -> StoredCheckpoints:
        return StoredCheckpoints(self, None)

    def checkpoints(self, run_id: int, item: str | None = None) -> StoredCheckpoints:
        """All of the run's; with `item`, that item's and those outside of fan-outs, which asks for the pipeline."""
        return StoredCheckpoints(self, run_id, item)

    def end(self, run_id: int, state: str, error: str | None) -> None:
        self.query("end_run", run_id=run_id, state=state, error=error)

    def stop(self, run_id: int, reason: str) -> None:
        """The code does not know what this run is made of: stop it, so that a person looks at it."""
        error = encode({"exception_class_path": f"{__name__}.{WrongState.__qualname__}", "traceback": reason})
        self.end(run_id, "STOPPED", error)

    def checkpoint(self, ended: Ended) -> None:
        """Write a unit's output and enqueue what can run because of it, in one transaction, or the caller's.

        Raises LeaseLost when the task is no longer this worker's.
        """
        assert self.pipeline is not None
        run_id, unit = ended.run_id, ended.unit
        with transaction.atomic(using=self.database):
            state = self.lock(run_id)
            if not self.query("own_task", task_id=ended.task_id, worker_id=ended.worker_id, lease=ended.lease):
                raise LeaseLost(f"run {run_id}, unit {unit.key}: the task is no longer this worker's")
            written = self.query(
                "checkpoint",
                run_id=run_id,
                unit=unit.key,
                item=ended.item,
                output=ended.output,
                version=unit.version,
                attempt=ended.attempt,
                task_id=ended.task_id,
                worker_id=ended.worker_id,
                run_s=str(ended.run_s),
            )
            if not written or state != "RUNNING":
                # A run that failed elsewhere keeps what was done, and goes no further until it is resumed.
                return
            row = self.run(run_id)
            outlook = self._because_of(ended, lambda: load(row.input, self.pipeline.step.taken))  # type: ignore[union-attr]
            self.go_on(run_id, outlook, row.priority)

    def _because_of(self, ended: Ended, value: Callable[[], Any]) -> Outlook:
        """What can run because this unit has ended; its `ready` is empty where it waits for others."""
        assert self.pipeline is not None
        step, place = self.pipeline.step, (ended.unit.key, ended.item)
        fan_out = self.pipeline.fan_out_of.get(ended.unit.key)
        if fan_out is not None:
            # The item alone first: a look at all of ten thousand items after each of them would take a second each.
            checkpoints = self.checkpoints(ended.run_id, ended.item)
            only = (fan_out, ended.item)
            outlook = _news(lambda: look_at_item(step, only, value, checkpoints), checkpoints, place)
            if outlook.ready or self._goes_on_elsewhere(ended, fan_out.units()):
                outlook.done = False
                return outlook
        checkpoints = self.checkpoints(ended.run_id)
        outlook = _news(lambda: look_ahead(step, value, checkpoints), checkpoints, place)
        if not outlook.done and not outlook.ready and not self._goes_on_elsewhere(ended, step.units()):
            # Nobody is at what is left: newer code has a unit, beside or before this one, that older code did not enqueue.
            return look_ahead(step, value, checkpoints)
        return outlook

    def _goes_on_elsewhere(self, ended: Ended, units: Iterable[AnyUnit[Any, Any]]) -> bool:
        """Whether another task of the run is at one of these units. Whoever ends last looks at what follows."""
        keys = texts(unit.key for unit in units)
        return bool(self.query("work_under_way", run_id=ended.run_id, task_id=ended.task_id, units=keys))

    def resume(self, run_id: int) -> list[Place]:
        """See pipeline.resume."""
        assert self.pipeline is not None
        with transaction.atomic(using=self.database):
            self.lock(run_id)
            # Held still from here on: a worker could otherwise move one on between this look and the next.
            live: set[Place] = set()
            for kwargs, _, cancel_requested in self.query("lock_live", run_id=run_id):
                call = decode(kwargs)
                if cancel_requested:
                    # It will end as cancelled, and its run with it once more.
                    raise WrongState(
                        f"Run {run_id}: its unit {call['unit']} was cancelled and has not ended yet. Resume it once that has."
                    )
                live.add((call["unit"], call["item"]))
            row = self.run(run_id)
            checkpoints = self.checkpoints(run_id)
            unknown = checkpoints.unknown_to(self.pipeline)
            if unknown:
                raise WrongState(f"Run {run_id} has checkpoints of units that the code does not have: {unknown}.")
            if not self.query("resume_run", run_id=run_id):
                raise WrongState(f"Run {run_id} is {row.state.lower()}: there is nothing to resume.")
            outlook = look_ahead(self.pipeline.step, lambda: load(row.input, self.pipeline.step.taken), checkpoints)  # type: ignore[union-attr]
            outlook.ready = [entry for entry in outlook.ready if (entry[0].key, entry[1]) not in live]
            self.go_on(run_id, outlook, row.priority)
            return outlook.places()

    def go_on(self, run_id: int, outlook: Outlook, priority: int) -> None:
        """Keep the lists that were just computed, enqueue what is ready, or end the run when nothing is left."""
        for key, items in outlook.lists.items():
            self.query(
                "checkpoint",
                run_id=run_id,
                unit=key,
                item=ITEMS,
                output=self._items(key, items),
                version=1,
                attempt=1,
                task_id=0,
                worker_id=None,
                run_s="0",
            )
        if outlook.done:
            self.end(run_id, "SUCCEEDED", None)
        elif outlook.ready:
            self.enqueue(run_id, [(unit, item) for unit, item, _ in outlook.ready], priority)

    def _items(self, key: str, items: list[Any]) -> str:
        assert self.pipeline is not None
        kind = self.pipeline.fan_outs[key].step.taken
        if kind is Any:
            # Whoever takes an item gets it as JSON has it, each time.
            return dump(items)
        wrong = [number for number, item in enumerate(items) if not fits(type(item), kind)]
        if wrong:
            raise DoesNotFit(
                f"item {wrong[0]} of each({key}) is {shown(type(items[wrong[0]]))}, taken is {shown(kind)}"
            )
        return keep(items, list[kind], f"items of each({key})")[0]  # type: ignore[valid-type]

    def enqueue(self, run_id: int, places: Iterable[tuple[AnyUnit[Any, Any], str]], priority: int) -> None:
        assert self.pipeline is not None
        units = list(places)
        self.query(
            "enqueue_units",
            run_id=run_id,
            priority=priority,
            queues=texts(unit.queue_name for unit, _ in units),
            paths=texts(task_path(unit) for unit, _ in units),
            kwargs=texts(encode(unit_call(self.pipeline, run_id, unit, item)) for unit, item in units),
            limit_keys=texts(_limit_key(unit) for unit, _ in units),
            limit_maxes=texts(str(unit.policy.limit_max) if unit.policy.limit_key else None for unit, _ in units),
        )


def _news(look: Callable[[], Outlook], checkpoints: StoredCheckpoints, place: Place) -> Outlook:
    """What is seen with this place's checkpoint, and is not seen without it.

    The same checkpoints are looked at twice. Others would have in them what a worker's flush wrote in between, which is not
    this unit's to enqueue.
    """
    checkpoints.places.discard(place)
    earlier = set(look().places())
    checkpoints.places.add(place)
    outlook = look()
    outlook.ready = [entry for entry in outlook.ready if (entry[0].key, entry[1]) not in earlier]
    return outlook


def task_path(unit: AnyUnit[Any, Any]) -> str:
    """The task that runs such a unit."""
    if isinstance(unit, AsyncUnit):
        return f"{TASKS_MODULE}.run_async_unit"
    return f"{TASKS_MODULE}.run_unit_in_child" if unit.policy.run_in == "process" else f"{TASKS_MODULE}.run_unit"


def unit_call(pipeline: Pipeline[Any, Any], run_id: int, unit: AnyUnit[Any, Any], item: str) -> dict[str, Any]:
    """The arguments of that task."""
    return {"pipeline": pipeline.name, "run": run_id, "unit": unit.key, "item": item}


def _limit_key(unit: AnyUnit[Any, Any]) -> str | None:
    key = unit.policy.limit_key
    # Where the unit was declared, it was refused otherwise.
    assert key is None or isinstance(key, str)
    return key
