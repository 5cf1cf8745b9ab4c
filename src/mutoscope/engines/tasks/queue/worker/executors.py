"""The ways of running a task that one worker has, and what it has done with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mutoscope.engines.tasks.queue.worker.children import Nursery
from mutoscope.engines.tasks.queue.worker.coroutines import LoopThread
from mutoscope.engines.tasks.queue.worker.job import Job
from mutoscope.engines.tasks.queue.worker.threads import Crew


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

    def each(self) -> Iterable[Crew | LoopThread]:
        return (self.threads, self.loop, self.children)

    def running(self) -> list[Job]:
        return [job for executor in self.each() for job in executor.running()]

    def unstarted(self) -> int:
        return len(self.threads.waiting) + len(self.loop.waiting) + len(self.children.waiting)
