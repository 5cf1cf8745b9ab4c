"""The worker's heart: one thread that moves tasks between the database and the executors, a batch a round trip."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from mutoscope.engines.tasks.queue.configuration import Configuration
from mutoscope.engines.tasks.queue.connection import Line
from mutoscope.engines.tasks.queue.results import CANCELLED, FAILED, READY, SUCCESSFUL
from mutoscope.engines.tasks.queue.worker.desk import Desk, Lane
from mutoscope.engines.tasks.queue.worker.execution import choose_policy, find_runnable
from mutoscope.engines.tasks.queue.worker.executors import Executors, Tally
from mutoscope.engines.tasks.queue.worker.finisher import WORTH_IT, Finisher
from mutoscope.engines.tasks.queue.worker.job import Job
from mutoscope.engines.tasks.queue.worker.looks import Looks
from mutoscope.engines.tasks.queue.worker.measure import FULL_S, NUDGE_S, WAIT_MAX_S, Pace

R = TypeVar("R")

logger = logging.getLogger("mutoscope.tasks")

# After a limited task was seen, limits are looked at with every claim for so long.
LIMITS_WARM_S = 30.0
LIMITS_COLD_EVERY_S = 1.0
KIND_WARM_S = 10.0


@dataclass
class Pump:
    """Runs in the worker's main thread. Other threads touch `finished`, `wake` and the flags only."""

    line: Line
    desk: Desk
    finisher: Finisher
    configuration: Configuration
    executors: Executors
    tally: Tally
    finished: deque[Job]
    wakened: threading.Event = field(default_factory=threading.Event)
    draining: threading.Event = field(default_factory=threading.Event)
    # Set by the keeper when others declared this worker lost.
    disowned: threading.Event = field(default_factory=threading.Event)
    # Every task that the database may think is ours, from before its claim is used until its end is confirmed.
    held: dict[int, Job] = field(default_factory=dict)
    sleeping: bool = False

    def __post_init__(self) -> None:
        self.pace = Pace()
        self.reporting: dict[int, Job] = {}
        self._marks: dict[Lane, int] = {}
        self._looks = Looks(self.configuration.poll_s)
        self._called = self._asleep = False
        self._promote_at = 0.0
        self._limits_at = 0.0
        self._limited_at = float("-inf")
        self._kinds_seen = {"loop": float("-inf"), "children": float("-inf")}
        self._reconnections = 0

    # What other threads call

    def done(self, job: Job) -> None:
        """An executor has run the job."""
        self.finished.append(job)
        if self.sleeping and not self.finisher.busy:
            self.wakened.set()

    def wake(self) -> None:
        """There is work, or may be."""
        self._called = True
        self.wakened.set()

    def report(self, job: Job) -> None:
        self.reporting[job.id] = job

    def forget(self) -> None:
        """Everything known of the queue is of no use under a new worker id."""
        self._marks.clear()
        self._asleep = False
        self._looks.now()

    # The loop

    def run(self) -> None:
        """Until drained or disowned. Raises Stopped when told to give up while the database is away."""
        while not self.disowned.is_set():
            self._hear_of_written()
            ended = self._collect()
            if self.draining.is_set():
                self._give_back_unstarted()
                self._settle(ended)
                self._reconcile()
                if self.line.stopped.is_set() or (not self.held and not self.finished):
                    return
                self._sleep(0.05)
                continue
            claimed = self._turn(ended)
            self._reconcile()
            self._tend()
            if claimed and self._asleep:
                self._asleep = False
                self._persist(self.desk.wake_up)
            elif self._looks.came_back_empty_first() and not self._asleep:
                # Lie down, commit, and look once more before closing the eyes. What is under way here, steps of pipelines
                # for one, goes on all the same: lying down only means to be called when there is more.
                self._persist(self.desk.fall_asleep)
                self._asleep = True
                self._looks.once_more()
            elif not (claimed or ended or (self.finished and not self.finisher.busy)):
                self._rest()

    def _hear_of_written(self) -> None:
        written = self.finisher.take()
        if written is not None:
            self._confirm(written.jobs, written.kept, certain=written.certain)

    def _collect(self) -> list[Job]:
        ended: list[Job] = []
        if self.finisher.busy:
            # They go together with what ends until then.
            return ended
        take = self.finished.popleft
        for _ in range(min(len(self.finished), 2 * self.configuration.batch_max)):
            job = take()
            if job.lost:
                self.tally.refused += 1
                self.held.pop(job.id, None)
            else:
                ended.append(job)
        return ended

    def _turn(self, ended: list[Job]) -> list[Job]:
        """Write what ended and claim what there is room for; one round trip when all goes well."""
        if ended:
            self.pace.saw(sum(job.run_us for job in ended), len(ended))
        if any(job.advance is not None for job in ended):
            ended = self._advance(ended)
        plain = self._settle_special(ended)
        room = self._room()
        if not plain and not self._called and self._looks.are_early():
            # Nothing was there a moment ago and nobody has said otherwise. Steps of pipelines come by here all the time.
            return []
        self._called = False
        scan = room > 0 and (
            not self._marks or self._looks.scan_is_due() or (not plain and self._looks.scan_is_cheap())
        )
        if len(plain) >= WORTH_IT:
            self.finisher.give(plain, self.desk.worker_id)
            plain = []
        elif plain and (scan or not room):
            self._finish(plain)
            plain = []
        claimed: list[Job] = []
        if scan:
            claimed = self._scan(room)
        elif room:
            claimed = self._fused(plain, room)
        # What was claimed starts before anything else is asked for.
        self._dispatch(claimed)
        if room:
            self._looks.saw(len(claimed))
        if len(claimed) < room and self._limits_are_due():
            limited = self._claim_limited(room - len(claimed))
            self._dispatch(limited)
            claimed += limited
        return claimed

    def _room(self) -> int:
        now = time.monotonic()
        executors = self.executors
        idle = executors.threads.idle()
        concurrency = executors.threads.count
        for kind, executor in (("loop", executors.loop), ("children", executors.children)):
            if now - self._kinds_seen[kind] < KIND_WARM_S:
                idle += executor.idle()
                concurrency += executor.count
        ahead = self.pace.ahead(concurrency, self.configuration.batch_max)
        room = idle + ahead - executors.unstarted()
        return max(0, min(room, self.configuration.batch_max))

    # Claim

    def _scan(self, room: int) -> list[Job]:
        began = time.monotonic()
        claimed = self._persist(lambda: self.desk.claim(room))
        self._looks.scanned(began, len(claimed))
        self._hold(claimed)
        return claimed

    def _fused(self, ended: list[Job], room: int) -> list[Job]:
        kept, claimed = self._persist(lambda: self.desk.finish_and_claim(ended, self._marks, room))
        self._confirm(ended, kept)
        self._hold(claimed)
        return claimed

    def _limits_are_due(self) -> bool:
        now = time.monotonic()
        return now - self._limited_at < LIMITS_WARM_S or now - self._limits_at > LIMITS_COLD_EVERY_S

    def _claim_limited(self, room: int) -> list[Job]:
        self._limits_at = time.monotonic()
        claimed = self._persist(lambda: self.desk.claim_limited(room))
        if claimed:
            self._limited_at = self._limits_at
        for job in claimed:
            self.held[job.id] = job
        return claimed

    def _hold(self, claimed: list[Job]) -> None:
        marks: dict[Lane, int] = {}
        for job in claimed:
            self.held[job.id] = job
            lane = (job.queue, job.priority)
            marks[lane] = max(job.id, marks.get(lane, 0))
        self._marks.update(marks)

    def _dispatch(self, claimed: list[Job]) -> None:
        if not claimed:
            return
        threads: list[Job] = []
        loop: list[Job] = []
        children: list[Job] = []
        for job in claimed:
            runnable = find_runnable(job)
            if runnable is not None:
                choose_policy(job, runnable)
            if runnable is None or not (runnable.is_async or runnable.policy.run_in == "process"):
                threads.append(job)
            elif runnable.policy.run_in == "process":
                children.append(job)
            else:
                loop.append(job)
        now = time.monotonic()
        if threads:
            self.executors.threads.add(threads, self.pace.hands(len(threads)))
        for kind, jobs, executor in (
            ("loop", loop, self.executors.loop),
            ("children", children, self.executors.children),
        ):
            if jobs:
                self._kinds_seen[kind] = now
                executor.add(jobs)

    # End

    def _advance(self, ended: list[Job]) -> list[Job]:
        """Steps of pipelines go on once their checkpoints are written. Returns the other jobs."""
        steps = [job for job in ended if job.advance is not None]
        others = [job for job in ended if job.advance is None]
        moved = self._persist(lambda: self.desk.advance(steps))
        self._confirm([job for job in steps if job.id not in moved], set())
        self.tally.succeeded += len(moved)
        self._dispatch([job for job in steps if job.id in moved])
        return others

    def _settle(self, ended: list[Job]) -> None:
        if any(job.advance is not None for job in ended):
            ended = self._advance(ended)
        plain = self._settle_special(ended)
        if plain:
            self._finish(plain)

    def _settle_special(self, ended: list[Job]) -> list[Job]:
        """Retries, and tasks that hold a place under a limit. Returns the others, which have a faster way."""
        plain = [job for job in ended if job.status != READY and not job.limited]
        if len(plain) == len(ended):
            return plain
        retries = [job for job in ended if job.status == READY]
        limited = [job for job in ended if job.status != READY and job.limited]
        if retries:
            kept = self._persist(lambda: self.desk.retry(retries))
            self._confirm(retries, kept)
            self._promote_at = 0.0
        if limited:
            self._finish(limited)
            self._limits_at = 0.0
        return plain

    def _finish(self, ended: list[Job]) -> None:
        kept = self._persist(lambda: self.desk.finish(ended))
        self._confirm(ended, kept)

    def _confirm(self, ended: list[Job], kept: set[int], *, certain: bool | None = None) -> None:
        tally = self.tally
        if certain is None:
            # After a reconnection, the first try may have been committed and its answer lost: no refusal then.
            certain = self._reconnections == self.line.reconnections
        for job in ended:
            if self.held.get(job.id) is job:
                del self.held[job.id]
            if job.id not in kept:
                if certain:
                    tally.refused += 1
                    logger.warning(
                        "Task %s: this worker's lease %s was no longer valid, its result is not written",
                        job.id,
                        job.lease,
                        extra={"action": "lease_lost", "task_id": job.id, "lease": job.lease},
                    )
            elif job.status == SUCCESSFUL:
                tally.succeeded += 1
            elif job.status in (FAILED, CANCELLED):
                tally.failed += 1
            else:
                tally.retried += 1

    def _reconcile(self) -> None:
        """After a reconnection: a claim whose answer was lost has left tasks in our name that we know nothing of."""
        if self._reconnections == self.line.reconnections:
            return
        known = list(self.held)
        found = self._persist(lambda: self.desk.release_unknown(known))
        self._reconnections = self.line.reconnections
        self._asleep = False
        self._looks.now()
        self._marks.clear()
        logger.info(
            "Connected again; %s tasks claimed unknowingly were given back",
            found,
            extra={"action": "reconnected", "released": found},
        )

    def _give_back_unstarted(self) -> None:
        unstarted: list[Job] = []
        for executor in self.executors.each():
            while executor.waiting:
                try:
                    unstarted.append(executor.waiting.pop())
                except IndexError:
                    break
        unstarted = [job for job in unstarted if not job.lost]
        if unstarted:
            self._persist(lambda: self.desk.release(unstarted))
            for job in unstarted:
                self.held.pop(job.id, None)
            self._marks.clear()

    # Between

    def _tend(self) -> None:
        """What has to be done from time to time: due tasks, progress, tasks that wait here for too long."""
        now = time.monotonic()
        if now >= self._promote_at:
            promoted, next_s = self._persist(self.desk.promote)
            self._promote_at = now + min(self.configuration.poll_s, max(0.005, next_s if next_s is not None else 60.0))
            if promoted:
                self._promote_at = now
                self._looks.scan_next()
                self._looks.now()
        if self.reporting:
            jobs, self.reporting = list(self.reporting.values()), {}
            current = [job for job in jobs if job.id in self.held and not job.lost]
            if current:
                self._persist(lambda: self.desk.write_progress(current))
        for executor in self.executors.each():
            try:
                oldest = executor.waiting[0]
            except IndexError:
                continue
            if now - oldest.claimed_at > WAIT_MAX_S:
                self.pace.saw_long_wait()
                self._give_back_unstarted()
                break

    def _rest(self) -> None:
        """Nothing to write and nothing to claim: wait, the longer the drier."""
        if self._room() == 0:
            self._sleep(self._nap(FULL_S))
        else:
            self._sleep(self._nap(self._looks.pause_s()))

    def _nap(self, pause_s: float) -> float:
        return max(0.001, min(pause_s, self._promote_at - time.monotonic()))

    def _sleep(self, pause_s: float) -> bool:
        """Wait to be woken. False when the time was up."""
        threads = self.executors.threads
        pause_s = min(pause_s, NUDGE_S) if threads.waiting else pause_s
        self.sleeping = True
        try:
            if self.finished and not self.finisher.busy:
                return True
            return self.wakened.wait(pause_s)
        finally:
            self.sleeping = False
            self.wakened.clear()
            threads.nudge()

    def _persist(self, work: Callable[[], R]) -> R:
        return self.line.persist(work, self._line_lost)

    def _line_lost(self, error: Exception) -> None:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        logger.warning("The database is away: %s", reason[0], extra={"action": "connection_lost"})
