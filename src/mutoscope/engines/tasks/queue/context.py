"""What a task with `takes_context` is given: Django's context, and a way to say how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mutoscope.engines.tasks.compat import TaskContext, TaskResult
from mutoscope.engines.tasks.queue.policy import Policy
from mutoscope.engines.tasks.queue.results import storable

# A worker writes progress together with other work; saying it more often than this is only remembered.
PROGRESS_EVERY_S = 0.5


def _nobody(*_: Any) -> None:
    """Nobody wants to hear of progress."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTaskContext(TaskContext):
    """`report(fraction, note)` shows how far the task is; `cancel_requested()` says whether it had better stop."""

    # By what right the task runs: (worker_id, lease) is what guarded statements ask for.
    worker_id: int = 0
    lease: int = 0
    # What the step before handed over, in this process; and whether this one may hand over in turn.
    carry: Any = field(default=None, repr=False, compare=False)
    can_advance: bool = False
    on_progress: Callable[[float | None, str], None] = field(default=_nobody, repr=False, compare=False)
    cancel_requested: Callable[[], bool] = field(default=_never, repr=False, compare=False)
    attempt_number: int = 0
    make_result: Callable[[], TaskResult[Any]] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def with_result_on_demand(cls, **values: Any) -> QueueTaskContext:
        """A context whose task_result is made by `make_result` when someone asks for it. Few do, and it is dear."""
        context = object.__new__(cls)
        for name, value in values.items():
            object.__setattr__(context, name, value)
        return context

    def __getattr__(self, name: str) -> Any:
        if name == "task_result" and self.make_result is not None:
            result = self.make_result()
            object.__setattr__(self, "task_result", result)
            return result
        raise AttributeError(name)

    @property
    def attempt(self) -> int:
        return self.attempt_number or self.task_result.attempts

    def report(self, fraction: float | None, note: str = "") -> None:
        """Show progress, from 0 to 1, readable by `get_result` while the task runs. Costs the task no round trip."""
        if fraction is not None:
            fraction = min(1.0, max(0.0, float(fraction)))
        # Checked here, where the task fails of it: the worker writes it together with that of others.
        self.on_progress(fraction, storable(str(note)))


# The two below are made for every step. Frozen ones take three times as long to make.


@dataclass(slots=True)
class Carry:
    """What a step hands over to the one that follows it in the same worker: its call, the same as it is stored, its policy,
    and a value."""

    call: dict[str, Any]
    stored: str
    policy: Policy
    value: Any


@dataclass(slots=True, kw_only=True)
class Advance:
    """Returned by a task that is one step of several: write this checkpoint, and go on with `carry`, or end the run where
    nothing follows.

    The worker writes the checkpoints of many runs together, turns each task into the next step's, and runs that without a
    claim in between.
    """

    run_id: int
    unit: str
    item: str
    output: str
    version: int
    carry: Carry | None


class ProgressClock:
    """Whether it is time to write progress again."""

    def __init__(self) -> None:
        self._next = 0.0

    def is_due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + PROGRESS_EVERY_S
        return True
