"""One event loop in a thread of its own, for async tasks. It is kept for the worker's life: starting one per task costs
more than most tasks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable

from asgiref.sync import sync_to_async
from django.db import connections

from mutoscope.engines.tasks.queue.worker.execution import Execution, Surroundings, fail_unknown, find_runnable
from mutoscope.engines.tasks.queue.worker.job import Job


class LoopThread:
    """Runs up to `count` async tasks at once."""

    def __init__(self, count: int, around: Surroundings, done: Callable[[Job], None]) -> None:
        self.count = count
        self.waiting: deque[Job] = deque()
        self._around = around
        self._done = done
        self._running: dict[Job, asyncio.Task[None]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._work, name="tasks-loop", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def add(self, jobs: list[Job]) -> None:
        self.waiting.extend(jobs)
        self._loop.call_soon_threadsafe(self._fill)

    def idle(self) -> int:
        return self.count - len(self._running)

    def running(self) -> list[Job]:
        return list(self._running)

    def interrupt(self, job: Job) -> bool:
        running = self._running.get(job)
        if running is None:
            return False
        self._loop.call_soon_threadsafe(running.cancel)
        return True

    def close(self, timeout_s: float) -> bool:
        """Stop the loop after what runs now. Whether everything ended in time."""
        deadline = time.monotonic() + timeout_s
        while self._running and time.monotonic() < deadline:
            time.sleep(0.01)
        ended = not self._running
        if self._thread.ident is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(max(0.1, deadline - time.monotonic()))
        return ended

    def _work(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            # Async tasks reach the database through a thread of asgiref's.
            self._loop.run_until_complete(sync_to_async(connections.close_all)())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()

    def _fill(self) -> None:
        while self.waiting and len(self._running) < self.count:
            try:
                job = self.waiting.popleft()
            except IndexError:
                return
            self._running[job] = self._loop.create_task(self._run(job))

    async def _run(self, job: Job) -> None:
        begun = job.begin()
        runnable = find_runnable(job)
        try:
            if runnable is None:
                fail_unknown(job)
                return
            execution = Execution(job, runnable, self._around)
            try:
                if job.interruption is not None:
                    raise asyncio.CancelledError
                args, kwargs = execution.arguments()
                timeout_s = job.policy.timeout_s
                try:
                    async with asyncio.timeout(timeout_s) as limit:
                        value = await runnable.function(*args, **kwargs)
                except TimeoutError:
                    if limit.expired():
                        job.interruption = "timeout"
                    raise
                job.run_us = int((time.monotonic() - begun) * 1_000_000)
                execution.succeed(value)
            except BaseException as error:
                job.run_us = int((time.monotonic() - begun) * 1_000_000)
                execution.fail(error)
        finally:
            del self._running[job]
            self._done(job)
            if self.waiting:
                self._fill()
