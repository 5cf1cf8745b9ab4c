"""One worker: its parts, its start, and its end."""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.connection import Line, Stopped
from mutoscope.engines.tasks.queue.policy import WorkerStopped
from mutoscope.engines.tasks.queue.results import task_error
from mutoscope.engines.tasks.queue.worker.bell import Bell
from mutoscope.engines.tasks.queue.worker.children import Nursery
from mutoscope.engines.tasks.queue.worker.coroutines import LoopThread
from mutoscope.engines.tasks.queue.worker.desk import Desk
from mutoscope.engines.tasks.queue.worker.execution import Surroundings, run_in_thread
from mutoscope.engines.tasks.queue.worker.executors import Executors, Tally
from mutoscope.engines.tasks.queue.worker.finisher import Finisher
from mutoscope.engines.tasks.queue.worker.job import Job
from mutoscope.engines.tasks.queue.worker.keeper import SQL as KEEPING
from mutoscope.engines.tasks.queue.worker.keeper import Keeper
from mutoscope.engines.tasks.queue.worker.pump import Pump
from mutoscope.engines.tasks.queue.worker.steps import Steps
from mutoscope.engines.tasks.queue.worker.threads import Crew
from mutoscope.engines.tasks.signals import worker_started

logger = logging.getLogger("mutoscope.tasks")

THREADS = 4
COROUTINES = 100
SIZE_MAX = 10_000
WATCH_S = 0.05
# Threads that run Python let others in this often. The default of 5 ms makes the pump wait as long for its turn after each
# answer of the database.
SWITCH_INTERVAL_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many tasks of each kind one worker runs at once."""

    threads: int = THREADS
    coroutines: int = COROUTINES
    processes: int = 0

    def __post_init__(self) -> None:
        for name, least in (("threads", 1), ("coroutines", 1), ("processes", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= SIZE_MAX:
                raise ValueError(f"{name} is {value!r}, and has to be a whole number from {least} to {SIZE_MAX}")

    def children(self) -> int:
        return self.processes or os.cpu_count() or 1


class Worker:
    """Claims and runs tasks of some queues until told to stop.

    `run()` blocks; `stop()`, from any thread or a signal handler, lets it finish within the grace period: nothing more is
    claimed, what was claimed but not begun goes back at once, what runs may end, and what does not end goes back too.
    With `until_empty` it stops by itself once nothing in its queues is ready or due.
    """

    def __init__(
        self,
        backend: PostgresBackend,
        queues: list[str] | None = None,
        size: Size | None = None,
        *,
        until_empty: bool = False,
    ) -> None:
        self.backend = backend
        self.configuration = backend.configuration
        self.queues = sorted(set(queues or backend.queues))
        if not self.queues:
            raise ValueError("Name the queues to work on: TASKS allows any, so there is no list to take.")
        unknown = sorted(set(self.queues) - backend.queues) if backend.queues else []
        if unknown:
            known = ", ".join(sorted(backend.queues))
            raise ValueError(f"TASKS['{backend.alias}'] has no queue {', '.join(unknown)}; it has {known}.")
        self.size = size or Size()
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.tally = Tally()
        self.ready = threading.Event()
        self._stopping = threading.Event()
        self._given_up = threading.Event()
        self._stop_at = 0.0
        self._finished: deque[Job] = deque()
        self._build(self.stop if until_empty else None)

    def _build(self, on_empty: Callable[[], None] | None) -> None:
        direct = self.configuration.direct
        around = Surroundings(self.backend.alias, type(self.backend), lambda: self.desk.worker_id, self._report)
        self.bell = Bell()
        steps_line = Line(direct, "tasks steps", self._given_up)
        self.steps = Steps(steps_line, Desk(steps_line, self.queues), self._onward, self.bell.ring)
        executors = Executors(
            threads=Crew(
                "thread", self.size.threads, lambda job: run_in_thread(job, around), self._done, self.steps.flush
            ),
            loop=LoopThread(self.size.coroutines, around, self._done_on_loop),
            children=Nursery(self.size.children(), around, self._done),
        )
        line = Line(direct, "tasks pump", self._given_up)
        self.desk = Desk(line, self.queues)
        finisher_line = Line(direct, "tasks finisher", self._given_up)
        self.finisher = Finisher(finisher_line, Desk(finisher_line, self.queues), self.bell.ring)
        self.pump = Pump(
            line=line,
            desk=self.desk,
            finisher=self.finisher,
            steps=self.steps,
            configuration=self.configuration,
            executors=executors,
            tally=self.tally,
            finished=self._finished,
            bell=self.bell,
            interrupt=self.interrupt,
        )
        keeper_line = Line(direct, "tasks keeper", threading.Event())
        self.keeper = Keeper(
            keeper_line, self.configuration, self.pump, self.interrupt, self.backend.enqueue_on, on_empty
        )
        self._watchdog = threading.Thread(target=self._watch, name="tasks-watchdog", daemon=True)

    def _done(self, job: Job) -> None:
        self.pump.done(job)

    def _done_on_loop(self, job: Job) -> None:
        self.pump.done_on_loop(job)

    def _onward(self, jobs: list[Job]) -> None:
        self.pump.onward(jobs)

    def _report(self, job: Job) -> None:
        self.pump.report(job)

    # Life

    def run(self) -> None:
        """Work until stopped. Returns when every task that this worker held has ended or gone back."""
        executors = self.pump.executors
        try:
            self.pump.line.persist(self._register)
        except Stopped:
            return
        for executor in executors.each():
            executor.start()
        self.keeper.prepare()
        self.keeper.start()
        self.finisher.start()
        self._watchdog.start()
        self.ready.set()
        logger.info(
            "Worker %s works on %s",
            self.desk.worker_id,
            ", ".join(self.queues),
            extra={"action": "worker_started", "worker_id": self.desk.worker_id, "queues": self.queues},
        )
        worker_started.send(self)
        try:
            self._pump_until_stopped()
        finally:
            self._end()

    def stop(self) -> None:
        """Begin to stop. The second time, do not wait for anything."""
        now = time.monotonic()
        if self._stopping.is_set():
            self._stop_at = now
        else:
            self._stop_at = now + self.configuration.grace_s
            self._stopping.set()
            self.pump.draining.set()
        self.pump.wake()

    def interrupt(self, task_id: int, why: str) -> None:
        """Tell a task that this worker holds to stop."""
        job = self.pump.held.get(task_id)
        if job is None or job.interruption is not None:
            return
        job.interruption = why
        for executor in self.pump.executors.each():
            if executor.interrupt(job):
                return

    def _register(self) -> None:
        size = self.size
        worker_id = self.desk.register(self.name, size.threads)
        self.steps.desk.worker_id = worker_id
        self.pump.line.listen(f"tasks_{worker_id}")
        logger.debug("Registered as worker %s", worker_id)

    def _pump_until_stopped(self) -> None:
        while True:
            try:
                self.pump.run()
            except Stopped:
                return
            if not self.pump.disowned.is_set():
                return
            self._begin_again()

    def _begin_again(self) -> None:
        """Others took this worker for dead: drop what it held and start over under a new number."""
        for executor in self.pump.executors.each():
            executor.waiting.clear()
        for job in list(self.pump.held.values()):
            job.lost = True
            self.interrupt(job.id, "lost")
        self.pump.held.clear()
        self.pump.line.persist(self._register)
        self.pump.forget()
        self.pump.disowned.clear()

    # Timeouts, and the end of the grace period

    def _watch(self) -> None:
        while not self._given_up.wait(WATCH_S):
            now = time.monotonic()
            if self.steps.ended or self.pump.executors.threads.waiting:
                # A thread may have left these lying for something long.
                self.bell.ring()
            for job in self.pump.executors.threads.running():
                timeout_s = job.policy.timeout_s
                if timeout_s is not None and job.begun_at is not None and now - job.begun_at > timeout_s:
                    self.interrupt(job.id, "timeout")
            if self._stopping.is_set() and now >= self._stop_at:
                for job in self.pump.executors.running():
                    self.interrupt(job.id, "shutdown")
                if now >= self._stop_at + 1.0:
                    self._given_up.set()

    def _end(self) -> None:
        """Give back what did not end, say goodbye, close everything."""
        self._given_up.set()
        executors = self.pump.executors
        remaining = [job for job in self.pump.held.values() if not job.lost]
        self.keeper.stop()
        self.finisher.close(1.0)
        self.steps.close(1.0)
        try:
            if remaining:
                # Threads stuck in a C call. This process is about to end, so they will not get in the way of the next try.
                error = WorkerStopped("the worker's grace period ended before the task did")
                for job in remaining:
                    job.delay_s, job.error = 0.0, task_error(error, str(error))
                self.desk.retry(remaining)
            self.desk.wake_up()
            parameters = {"worker_ids": [self.desk.worker_id], "state": "STOPPED"}
            self.pump.line.execute(KEEPING["end_workers"], parameters)
        except Exception:
            logger.warning("The worker could not say goodbye", exc_info=True, extra={"action": "goodbye_failed"})
        self.pump.line.close()
        for executor in executors.each():
            executor.close(0.0 if remaining else 5.0)
        self.bell.close()
        logger.info(
            "Worker %s stopped",
            self.desk.worker_id,
            extra={"action": "worker_stopped", "worker_id": self.desk.worker_id, "released": len(remaining)},
        )


def run_until_signalled(worker: Worker) -> int:
    """Run in the main thread; SIGTERM and SIGINT stop it gracefully, a second one at once. The exit code."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
    # `kill -USR1` prints what every thread is at.
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # What was imported stays for good. Walking over it in each full collection stops everything for 20 ms in the smallest
    # project, and for several times that in one with many models.
    gc.collect()
    gc.freeze()
    worker.run()
    return 0
