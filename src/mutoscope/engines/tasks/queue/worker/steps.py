"""Steps of pipelines that have ended: their checkpoints are written by the thread that has run out of steps to run.

So a worker with ten runs under way runs a step of each, writes ten checkpoints in one flush and goes on with the ten steps that
follow, all in one thread: nobody is woken and nobody waits for a turn, which would cost more than most steps do.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from mutoscope.engines.tasks.queue.connection import Line, Stopped
from mutoscope.engines.tasks.queue.worker.desk import Desk
from mutoscope.engines.tasks.queue.worker.finisher import Written
from mutoscope.engines.tasks.queue.worker.job import Job


class Steps:
    """Jobs whose step has ended, until they are the following step's, or ended with their runs.

    `onward` is given those that go on; `answered` is called when there is something in `settled` for the pump.
    """

    def __init__(
        self, line: Line, desk: Desk, onward: Callable[[list[Job]], None], answered: Callable[[], None]
    ) -> None:
        self.line = line
        self.desk = desk
        self.ended: deque[Job] = deque()
        # What is over: jobs that ended with their runs, and those that were this worker's no longer.
        self.settled: deque[Written] = deque()
        # How many checkpoints were written of steps that have a following one.
        self.passed = 0
        self._onward = onward
        self._answered = answered
        self._failure: Exception | None = None
        self._writing = threading.Lock()

    def flush(self) -> bool:
        """Write what has ended, in the calling thread. False when there was nothing to write, or another thread is at it.

        A thread that got True has to call again before it sleeps: others may have left theirs to it meanwhile.
        """
        if not self.ended or not self._writing.acquire(blocking=False):
            return False
        try:
            jobs = [self.ended.popleft() for _ in range(len(self.ended))]
            self._write(self.desk.advance, [job for job in jobs if not job.is_last_step()])
            self._write(self.desk.conclude, [job for job in jobs if job.is_last_step()])
        except Stopped:
            # The worker gives back whatever it still holds.
            return False
        except Exception as error:
            self._failure = error
            self._answered()
            return False
        finally:
            self._writing.release()
        return True

    def take(self) -> list[Written]:
        """What is over since the last call. Raises what kept a checkpoint from being written, if that was no lost connection."""
        if self._failure is not None:
            raise self._failure
        return [self.settled.popleft() for _ in range(len(self.settled))]

    def close(self, timeout_s: float) -> None:
        """Write nothing more."""
        if self._writing.acquire(timeout=timeout_s):
            # Not let go of again: whoever would still flush finds it taken.
            self.line.close()

    def _write(self, write: Callable[[list[Job]], tuple[set[int], set[int]]], jobs: list[Job]) -> None:
        if not jobs:
            return
        before = self.line.reconnections
        onward, ended = self.line.persist(lambda: write(jobs))
        if onward:
            self.passed += len(onward)
            self._onward([job for job in jobs if job.id in onward])
        if len(onward) < len(jobs):
            over = [job for job in jobs if job.id not in onward]
            self.settled.append(Written(over, ended, before == self.line.reconnections))
            self._answered()
