"""A run as rows of a timeline: what has been done, what runs, what failed and what waits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from mutoscope.engines.tasks.pipelines.pipeline import pipeline_named
from mutoscope.engines.tasks.pipelines.plan import ITEMS
from mutoscope.engines.tasks.pipelines.progress import RunProgress, read_progress
from mutoscope.engines.tasks.pipelines.store import RunStore
from mutoscope.engines.tasks.queue.encoding import decode
from mutoscope.engines.tasks.queue.models import FinishedTask, Status

# The drawing is so many units wide, whatever the page is.
WIDTH = 1000
BAR_WIDTH_MIN = 4
# Of one unit. The page asks for all rows again each second.
ITEMS_SHOWN_MAX = 100


# What is in no other state than these comes before them.
LEAST_SHOWN = {"running": 1, "waiting": 2, "done": 3}
MORE = " more"


@dataclass(frozen=True, slots=True)
class Row:
    """One unit or item. `left` and `width` place its bar in a drawing WIDTH units wide."""

    unit: str
    item: str
    state: str
    attempt: int
    seconds: float | None
    left: int
    width: int
    note: str


@dataclass(frozen=True, slots=True)
class Timeline:
    progress: RunProgress
    rows: tuple[Row, ...]
    seconds: float

    def percent(self) -> int:
        return int(self.progress.fraction * 100)


def shown(output: str | None, hidden: Iterable[str]) -> str:
    """An output's JSON, which may be cut short, without the texts of these members."""
    text = output or ""
    for member in hidden:
        # To its closing quote, or to where it was cut.
        value = rf'("{re.escape(member)}":\s*)"(?:[^"\\]|\\.)*("|\\?\Z)'
        text = re.sub(value, r'\1"…"', text, flags=re.DOTALL)
    return text


def read_timeline(run_id: int, backend: str = "default") -> Timeline:
    """The run's timeline as of now. Raises UnknownRun."""
    progress = read_progress(run_id, backend)
    store = RunStore(None, backend)
    now = timezone.now()
    began = progress.started_at
    span_s = max(0.001, ((progress.ended_at or now) - began).total_seconds())

    def bar(since: datetime, until: datetime) -> tuple[int, int]:
        left = max(0, int((since - began).total_seconds() / span_s * WIDTH))
        right = min(WIDTH, int((until - began).total_seconds() / span_s * WIDTH))
        width = max(BAR_WIDTH_MIN, right - left)
        return min(left, WIDTH - width), width

    pipeline = pipeline_named(progress.pipeline)
    hides = {key: unit.hides for key, unit in pipeline.units.items()} if pipeline else {}
    rows: list[Row] = []
    seen: set[tuple[str, str]] = set()
    for unit, item, attempt, started_at, finished_at, _, _, output in store.query("timeline", run_id=run_id):
        if item == ITEMS:
            continue
        seen.add((unit, item))
        seconds = (finished_at - started_at).total_seconds()
        rows.append(
            Row(unit, item, "done", attempt, seconds, *bar(started_at, finished_at), shown(output, hides.get(unit, ())))
        )
    dead: Any = FinishedTask.objects.using(store.database).filter(run_id=run_id).exclude(status=Status.SUCCESSFUL)
    for task in dead.order_by("id"):
        call = decode(task.kwargs)
        if (call["unit"], call["item"]) in seen or progress.state == "RUNNING":
            continue
        seen.add((call["unit"], call["item"]))
        since = task.attempted_at or task.finished_at
        seconds = (task.finished_at - since).total_seconds()
        error = decode(task.error)["traceback"].strip().splitlines()[-1] if task.error else ""
        state = str(Status(task.status).label)
        rows.append(Row(call["unit"], call["item"], state, task.attempt, seconds, *bar(since, task.finished_at), error))
    for one in progress.live:
        seen.add((one.unit, one.item))
        if one.since is None:
            rows.append(Row(one.unit, one.item, "waiting", one.attempt, None, WIDTH - BAR_WIDTH_MIN, BAR_WIDTH_MIN, ""))
        else:
            seconds = (now - one.since).total_seconds()
            note = f"{one.fraction:.0%} {one.note}" if one.fraction or one.note else ""
            rows.append(Row(one.unit, one.item, "running", one.attempt, seconds, *bar(one.since, now), note))
    order = {key: place for place, key in enumerate(pipeline.units)} if pipeline else {}
    begun = {unit for unit, _ in seen}
    rows += [Row(key, "", "to come", 0, None, 0, 0, "") for key in order if key not in begun]
    rows = _fewer(rows)
    rows.sort(key=lambda row: (order.get(row.unit, 999), row.state.endswith(MORE), len(row.item), row.item))
    return Timeline(progress, tuple(rows), span_s)


def _fewer(rows: list[Row]) -> list[Row]:
    """At most ITEMS_SHOWN_MAX rows of each unit, failures first and what is done last, and one that counts the others."""
    of_unit: dict[str, list[Row]] = {}
    for row in rows:
        of_unit.setdefault(row.unit, []).append(row)
    kept: list[Row] = []
    for unit, its in of_unit.items():
        its.sort(key=lambda row: (LEAST_SHOWN.get(row.state, 0), len(row.item), row.item))
        kept += its[:ITEMS_SHOWN_MAX]
        others = Counter(row.state for row in its[ITEMS_SHOWN_MAX:])
        if others:
            note = ", ".join(f"{number:,} {state}" for state, number in others.items())
            kept.append(Row(unit, "", f"{others.total():,}{MORE}", 0, None, 0, 0, note))
    return kept
