"""A second connection that writes results while the pump claims on the first.

Only used where a worker has many at once: then the two halves of a round trip cost about the same, and neither waits for the
other, nor claiming for the disk. A few results go with the next claim in one statement, which is the quicker way for them.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from mutoscope.engines.tasks.queue.connection import Line, Stopped
from mutoscope.engines.tasks.queue.worker.desk import Desk
from mutoscope.engines.tasks.queue.worker.job import Job

# From so many results on, the second connection takes them.
WORTH_IT = 64


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one list: the ids that were ended, and whether the others are known to be this worker's no longer."""

    jobs: list[Job]
    kept: set[int]
    certain: bool


class Finisher:
    """Ends one list of jobs at a time, in a thread. Only the pump calls it; it touches nothing of the pump's."""

    def __init__(self, line: Line, desk: Desk, answered: Callable[[], None]) -> None:
        self.line = line
        self.desk = desk
        # The list that is being written, from `give` to `take`.
        self.busy = False
        self._answered = answered
        self._given: list[Job] | None = None
        self._written: Written | None = None
        self._failure: Exception | None = None
        self._closed = False
        self._condition = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="tasks-finisher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def give(self, jobs: list[Job], worker_id: int) -> None:
        """Write the outcomes of these under that worker id. Not while busy."""
        assert not self.busy
        self.busy = True
        self.desk.worker_id = worker_id
        with self._condition:
            self._given = jobs
            self._condition.notify()

    def take(self) -> list[Written]:
        """What was written since the last call. Raises what kept it from being written, if that was no lost connection."""
        if self._failure is not None:
            raise self._failure
        written, self._written = self._written, None
        if written is None:
            return []
        self.busy = False
        return [written]

    def close(self, timeout_s: float) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        if not self._thread.is_alive():
            self.line.close()

    def _work(self) -> None:
        # Connecting takes as long as a thousand results do.
        with contextlib.suppress(Stopped):
            self.line.persist(self.line.connection)
        while True:
            with self._condition:
                while self._given is None and not self._closed:
                    self._condition.wait()
                jobs, self._given = self._given, None
            if jobs is None:
                return
            before = self.line.reconnections
            try:
                kept = self.line.persist(lambda jobs=jobs: self.desk.finish(jobs))  # type: ignore[misc]
            except Stopped:
                return
            except Exception as error:
                self._failure = error
                self._answered()
                return
            self._written = Written(jobs, kept, before == self.line.reconnections)
            self._answered()
