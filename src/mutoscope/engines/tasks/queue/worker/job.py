"""One claimed task on its way through a worker."""

from __future__ import annotations

import time
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

    __slots__ = (
        "advance",
        "args",
        "attempt",
        "begun_at",
        "carry",
        "claimed_at",
        "delay_s",
        "enqueued_at",
        "error",
        "id",
        "interruption",
        "kwargs",
        "lease",
        "limited",
        "lost",
        "past",
        "path",
        "policy",
        "priority",
        "progress",
        "queue",
        "result",
        "run_us",
        "started_at",
        "status",
        "unique_name",
    )

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
            self.enqueued_at,
            self.started_at,
        ) = row
        self.limited = limited
        self.claimed_at = now
        # Monotonic time at which it began to run; None while it waits in this worker.
        self.begun_at: float | None = None
        self.run_us = 0
        # READY until it has run; stays READY with delay_s when it shall be tried again, without when it was not run.
        self.status = READY
        self.result: str | None = None
        self.error: dict[str, str] | None = None
        self.delay_s: float | None = None
        # Why it was told to stop: "timeout", "cancel" or "shutdown".
        self.interruption: str | None = None
        self.progress: tuple[float | None, str] | None = None
        self.policy = DEFAULT_POLICY
        # What a step of a pipeline wants written, and what it was handed by the step before.
        self.advance: Advance | None = None
        self.carry: Carry | None = None
        # Whether this worker's right to it is gone. What it did then counts for nothing.
        self.lost = False

    def begin(self) -> float:
        self.begun_at = time.monotonic()
        return self.begun_at

    def go_on(self, lease: int) -> None:
        """Become the following step's task, whose checkpoint was written."""
        assert self.advance is not None
        self.kwargs, self.carry = self.advance.following, self.advance.carry
        self.lease, self.attempt = lease, 1
        self.claimed_at = time.monotonic()
        self.begun_at = self.past = self.progress = self.advance = None
        self.status = READY

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.path}>"
