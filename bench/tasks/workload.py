"""The tasks and the pipeline that are measured."""

from __future__ import annotations

import time
from typing import Any

from mutoscope.engines.tasks.compat import task
from mutoscope.engines.tasks.pipelines.context import UnitContext
from mutoscope.engines.tasks.pipelines.pipeline import Pipeline
from mutoscope.engines.tasks.pipelines.units import Step, Unit

# So many that starting and ending a run weigh little.
STEPS = 1_000


@task()
def noop() -> None:
    return None


@task()
async def anoop() -> None:
    return None


@task()
def started(sent_at: float) -> float:
    return time.time() - sent_at


@task()
def hangs() -> None:
    time.sleep(600)


class Step0(Unit[int, int]):
    def run(self, context: UnitContext, value: int) -> int:
        return value + 1


def _chain() -> Step[int, int]:
    step: Any = Step0()
    for number in range(1, STEPS):
        step = step >> type(f"Step{number}", (Step0,), {})()
    return step


PIPELINE = Pipeline("bench", _chain())
