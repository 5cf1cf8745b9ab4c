"""The ways of running a task that one worker has, and what it has done with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mutoscope.engines.tasks.queue.worker.children import Nursery
from mutoscope.engines.tasks.queue.worker.coroutines import LoopThread
from mutoscope.engines.tasks.queue.worker.execution import find_runnable
from mutoscope.engines.tasks.queue.worker.job import Job
from mutoscope.engines.tasks.queue.worker.threads import Crew

# A kind of task that was not seen for so long is not counted on.
KIND_WARM_S = 10.0


@dataclass
class Tally:
    """What a worker did, for its row and its metrics."""

    succeeded: int = 0
    failed: int = 0
    retried: int = 0
    # Results that were not written, because the right to the task had gone to another.
    refused: int = 0


@dataclass
class Executors:
    """The three ways of running a task."""

    threads: Crew
    loop: LoopThread
    children: Nursery
    _loop_used_at: float = float("-inf")
    _children_used_at: float = float("-inf")

    def hand_out(self, jobs: list[Job], hands: Callable[[int], int]) -> None:
        """Each job to the executor for its kind; `hands` says how many threads so many jobs are worth. Any thread may call."""
        threads: list[Job] = []
        loop: list[Job] = []
        children: list[Job] = []
        for job in jobs:
            runnable = find_runnable(job)
            if runnable is None or not (runnable.is_async or runnable.policy.run_in == "process"):
                threads.append(job)
            elif runnable.policy.run_in == "process":
                children.append(job)
            else:
                loop.append(job)
        if threads:
            self.threads.add(threads, hands(len(threads)))
        if loop:
            self._loop_used_at = time.monotonic()
            self.loop.add(loop)
        if children:
            self._children_used_at = time.monotonic()
            self.children.add(children)

    def capacity(self) -> tuple[int, int]:
        """How many more tasks could run now, and how many at once altogether, of the kinds that there are of late."""
        now = time.monotonic()
        idle, count = self.threads.idle(), self.threads.count
        for used_at, executor in ((self._loop_used_at, self.loop), (self._children_used_at, self.children)):
            if now - used_at < KIND_WARM_S:
                idle += executor.idle()
                count += executor.count
        return idle, count

    def each(self) -> Iterable[Crew | LoopThread]:
        return (self.threads, self.loop, self.children)

    def running(self) -> list[Job]:
        return [job for executor in self.each() for job in executor.running()]

    def unstarted(self) -> int:
        return len(self.threads.waiting) + len(self.loop.waiting) + len(self.children.waiting)
