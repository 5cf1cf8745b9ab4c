"""Threads that take jobs from one deque and put them, run, into another."""

from __future__ import annotations

import ctypes
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from django.db import connections

from mutoscope.engines.tasks.queue.worker.execution import end_with
from mutoscope.engines.tasks.queue.worker.job import Interrupted, Job

# A thread that has had nothing to do for so long gives its database connections back.
IDLE_CONNECTIONS_S = 5.0
# How often a busy thread lets Django look whether its connections are still good.
CONNECTIONS_CHECK_S = 1.0


def _nothing_else() -> bool:
    return False


class Seat:
    """One thread, and what it runs now."""

    __slots__ = ("checked_at", "ident", "job", "lock")

    def __init__(self) -> None:
        self.job: Job | None = None
        self.ident = 0
        self.lock = threading.Lock()
        self.checked_at = 0.0


class Crew:
    """`count` threads for one kind of job.

    `run` runs a job to its outcome; `done` is told when there is one; `spare` is called by a thread that finds nothing to run,
    and says whether that may have changed by it. The deque is thread-safe by itself; the condition is only for threads that
    find nothing.
    """

    def __init__(
        self,
        name: str,
        count: int,
        run: Callable[[Job], None],
        done: Callable[[Job], None],
        spare: Callable[[], bool] = _nothing_else,
    ) -> None:
        self.name = name
        self.count = count
        self.waiting: deque[Job] = deque()
        self._run = run
        self._done = done
        self._spare = spare
        self._closed = False
        self._sleeping = 0
        self._condition = threading.Condition()
        self._seats = [Seat() for _ in range(count)]
        self._threads = [
            threading.Thread(target=self._work, args=(seat,), name=f"tasks-{name}-{number}", daemon=True)
            for number, seat in enumerate(self._seats)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def add(self, jobs: list[Job], hands: int | None = None) -> None:
        """Run these; `hands` is how many threads they are worth, as many as there are jobs unless given.

        Waking a thread costs more than a short task does. Whoever names fewer calls nudge() when that was too few.
        """
        self.waiting.extend(jobs)
        sleeping = self._sleeping
        if sleeping:
            wanted = len(jobs) if hands is None else hands - (self.count - sleeping)
            if wanted > 0:
                with self._condition:
                    self._condition.notify(wanted)

    def nudge(self) -> None:
        """Wake whoever sleeps although there is something to run."""
        if self._sleeping and self.waiting:
            with self._condition:
                self._condition.notify(len(self.waiting))

    def idle(self) -> int:
        """How many threads have nothing to run."""
        return sum(seat.job is None for seat in self._seats)

    def running(self) -> list[Job]:
        return [job for seat in self._seats if (job := seat.job) is not None]

    def interrupt(self, job: Job) -> bool:
        """Raise Interrupted in the thread that runs the job. It arrives between two bytecodes: not inside a C call."""
        for seat in self._seats:
            if seat.job is job:
                with seat.lock:
                    if seat.job is job:
                        raised = ctypes.py_object(Interrupted)
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(seat.ident), raised)
                        return True
        return False

    def close(self, timeout_s: float) -> bool:
        """Let the threads end after what they run now. Whether all of them did in time."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self, seat: Seat) -> None:
        seat.ident = threading.get_ident()
        waiting = self.waiting
        while True:
            try:
                job = waiting.popleft()
            except IndexError:
                if not self._spare() and not self._wait():
                    connections.close_all()
                    return
                continue
            self._run_one(seat, job)

    def _run_one(self, seat: Seat, job: Job) -> None:
        try:
            seat.job = job
            self._run(job)
            with seat.lock:
                seat.job = None
            _notice_interruption()
        except BaseException as error:
            with seat.lock:
                seat.job = None
            # An Interrupted that came when the task had ended already changes nothing. Anything else is a mistake of
            # ours, and the thread has other tasks to run.
            if not isinstance(error, Interrupted) or not job.has_outcome():
                end_with(job, error)
        now = time.monotonic()
        if job.error is not None or now - seat.checked_at > CONNECTIONS_CHECK_S:
            seat.checked_at = now
            check_connections()
        self._done(job)

    def _wait(self) -> bool:
        """Sleep until there is something to run. False when there never will be."""
        with self._condition:
            self._sleeping += 1
            try:
                if self.waiting:
                    return True
                if self._closed:
                    return False
                if not self._condition.wait(IDLE_CONNECTIONS_S):
                    connections.close_all()
                return True
            finally:
                self._sleeping -= 1


def _notice_interruption() -> None:
    """Entering a function is where Python raises what another thread has set. After this, nothing is left to come."""


def check_connections() -> None:
    """Let this thread's database connections be tried before their next use, and drop those that failed.

    Unlike close_old_connections this keeps healthy ones whatever their age, so that a task does not pay for connecting.
    """
    connection: Any
    for connection in connections.all(initialized_only=True):
        if connection.connection is None:
            continue
        connection.health_check_done = False
        if connection.errors_occurred:
            if connection.is_usable():
                connection.errors_occurred = False
            else:
                connection.close()
        if not connection.get_autocommit() and not connection.in_atomic_block:
            # A task left a transaction open: neither it nor the next task may go on in it.
            connection.close()
