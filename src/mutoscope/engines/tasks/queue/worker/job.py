"""One claimed task on its way through a worker."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from mutoscope.engines.tasks.queue.context import Advance, Carry
from mutoscope.engines.tasks.queue.policy import DEFAULT_POLICY
from mutoscope.engines.tasks.queue.results import READY


class Interrupted(BaseException):
    """Raised inside running code to stop it. No Exception, so that a task's own `except Exception` does not eat it."""


class Job:
    """A claimed task: what the claim returned, and what became of it.

    Made by the pump, run by one executor, read by the pump again after the executor has put it into `finished`.
    """

    # Fields that most jobs never change live in the class: making a job is a good part of what running a short one costs.

    # Monotonic time at which it began to run; None while it waits in this worker.
    begun_at: float | None = None
    run_us = 0
    # READY until it has run; stays READY with delay_s when it shall be tried again, without when it was not run.
    status = READY
    result: str | None = None
    error: dict[str, str] | None = None
    delay_s: float | None = None
    # Why it was told to stop: "timeout", "cancel" or "shutdown".
    interruption: str | None = None
    progress: tuple[float | None, str] | None = None
    policy = DEFAULT_POLICY
    # What a step of a pipeline wants written, and what it was handed by the step before.
    advance: Advance | None = None
    carry: Carry | None = None
    # Whether this worker's right to it is gone. What it did then counts for nothing.
    lost = False

    def __init__(self, row: tuple[Any, ...], *, limited: bool, now: float) -> None:
        (
            _,
            self.id,
            self.lease,
            self.attempt,
            self.queue,
            self.priority,
            self.path,
            self.args,
            self.kwargs,
            self.past,
            self.unique_name,
            self._enqueued_at,
            self._started_at,
        ) = row
        self.limited = limited
        self.claimed_at = now

    def enqueued_at(self) -> datetime:
        return datetime.fromisoformat(self._enqueued_at)

    def started_at(self) -> datetime:
        """When its first attempt began."""
        return datetime.fromisoformat(self._started_at)

    def begin(self) -> float:
        self.begun_at = time.monotonic()
        return self.begun_at

    def is_last_step(self) -> bool:
        """Whether its run ends with the step that has just ended."""
        return self.advance is not None and self.advance.carry is None

    def has_outcome(self) -> bool:
        """Whether it is settled what becomes of it."""
        return self.status != READY or self.delay_s is not None

    def go_on(self, lease: int) -> None:
        """Become the following step's task, whose checkpoint was written."""
        assert self.advance is not None
        assert self.advance.carry is not None
        self.carry = self.advance.carry
        self.kwargs, self.policy = self.carry.stored, self.carry.policy
        self.lease, self.attempt = lease, 1
        self.claimed_at = time.monotonic()
        self.begun_at = self.past = self.progress = self.advance = None
        self.status = READY

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.path}>"
