"""How far a run is: cheap enough for a page that asks every second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mutoscope.engines.tasks.pipelines.pipeline import Pipeline, pipeline_named
from mutoscope.engines.tasks.pipelines.store import RunStore, UnknownRun
from mutoscope.engines.tasks.queue.encoding import decode
from mutoscope.engines.tasks.queue.policy import RetryLater


@dataclass(frozen=True, slots=True)
class UnitProgress:
    """One unit that waits or runs now. `fraction` and `note` are what the unit itself reported, or why it waits."""

    unit: str
    item: str
    is_running: bool
    attempt: int
    fraction: float
    note: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A run at this moment. `fraction` goes from 0 to 1 and never back, but for a unit that starts over.

    `parts` is the same for each unit, all of its items together.
    """

    run_id: int
    pipeline: str
    subject: str
    state: str
    fraction: float
    error: dict[str, str] | None
    started_at: datetime
    ended_at: datetime | None
    live: tuple[UnitProgress, ...]
    parts: Mapping[str, float]


def read_progress(run_id: int, backend: str = "default") -> RunProgress:
    """Three index lookups, of the run's own rows only. Raises UnknownRun."""
    store = RunStore(None, backend)
    rows = store.query("run_progress", run_id=run_id)
    if not rows:
        raise UnknownRun(f"There is no run {run_id}.")
    name, subject, state, error, started_at, ended_at, _ = rows[0]
    live = tuple(_live(row) for row in store.query("live_places", run_id=run_id))
    pipeline = pipeline_named(name)
    parts = {} if pipeline is None else _parts(pipeline, store.query("counts", run_id=run_id), live)
    fraction = 1.0 if state == "SUCCEEDED" else _whole(pipeline, parts)
    stored_error = decode(error) if error else None
    return RunProgress(run_id, name, subject, state, fraction, stored_error, started_at, ended_at, live, parts)


def _live(row: tuple[Any, ...]) -> UnitProgress:
    kwargs, _, worker_id, attempted_at, attempt, progress, note, _, past = row
    call = decode(kwargs)
    running = worker_id is not None
    note = note or _what_it_waits_for(past)
    return UnitProgress(
        call["unit"], call["item"], running, attempt, progress or 0.0, note, attempted_at if running else None
    )


def _what_it_waits_for(past: str | None) -> str:
    """The reason that the last attempt gave in a RetryLater; empty where there is none."""
    error = decode(past)[-1].get("error") if past else None
    if not error or not error["exception_class_path"].endswith(f".{RetryLater.__name__}"):
        return ""
    reason: str = error["traceback"].rpartition(f"{RetryLater.__name__}: ")[2]
    return reason.strip()


def _parts(
    pipeline: Pipeline[Any, Any], counts: list[tuple[Any, ...]], live: tuple[UnitProgress, ...]
) -> dict[str, float]:
    """How far each unit is. Items share their unit's part."""
    ended = {unit: number for unit, number, _ in counts}
    lengths = {unit: length for unit, _, length in counts if length is not None}
    sizes: dict[str, int] = {}
    for key, fan_out in pipeline.fan_outs.items():
        for unit in fan_out.units():
            # Until the list is known, nothing of it is done; an empty list is done at once.
            sizes[unit.key] = lengths.get(key, 1)
    parts = {}
    for key in pipeline.units:
        size = sizes.get(key, 1)
        finished = ended.get(key, 0)
        running = sum(one.fraction for one in live if one.unit == key)
        parts[key] = 1.0 if size == 0 else min(1.0, (finished + running) / size)
    return parts


def _whole(pipeline: Pipeline[Any, Any] | None, parts: Mapping[str, float]) -> float:
    """The weight of what is done over the weight of all."""
    weights = {} if pipeline is None else {key: unit.weight for key, unit in pipeline.units.items()}
    total = sum(weights.values())
    return min(1.0, sum(weight * parts[key] for key, weight in weights.items()) / total) if total else 0.0
