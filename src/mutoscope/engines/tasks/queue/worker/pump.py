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
from mutoscope.engines.tasks.queue.results import CANCELLED, DECLINED, FAILED, READY, SUCCESSFUL
from mutoscope.engines.tasks.queue.worker.bell import Bell
from mutoscope.engines.tasks.queue.worker.desk import Desk, Lane
from mutoscope.engines.tasks.queue.worker.execution import choose_policy, find_runnable
from mutoscope.engines.tasks.queue.worker.executors import Executors, Tally
from mutoscope.engines.tasks.queue.worker.finisher import WORTH_IT, Finisher
from mutoscope.engines.tasks.queue.worker.job import Job
from mutoscope.engines.tasks.queue.worker.looks import LimitLooks, Looks
from mutoscope.engines.tasks.queue.worker.measure import FULL_S, NUDGE_S, WAIT_MAX_S, Pace
from mutoscope.engines.tasks.queue.worker.steps import Steps

R = TypeVar("R")

logger = logging.getLogger("mutoscope.tasks")


@dataclass
class Pump:
    """Runs in the worker's main thread. Other threads touch `finished`, `bell`, `steps` and the flags, and call the methods
    that say so."""

    line: Line
    desk: Desk
    finisher: Finisher
    steps: Steps
    configuration: Configuration
    executors: Executors
    tally: Tally
    finished: deque[Job]
    bell: Bell
    # Tells a task that this worker runs to stop, and why.
    interrupt: Callable[[int, str], None]
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
        self._limit_looks = LimitLooks()
        self._called = self._asleep = False
        self._promote_at = 0.0
        self._reconnections = 0
        # Whether something was let go of of which the database may still think that it is ours.
        self._doubtful = False
        # Steps that were to go on when the worker began to stop.
        self._halted: deque[Job] = deque()

    # What other threads call

    def done(self, job: Job) -> None:
        """An executor has run the job."""
        if job.advance is not None and not job.lost:
            # The thread that ran it writes it when nothing is left to run.
            self.steps.ended.append(job)
            return
        self.finished.append(job)
        if self.sleeping and not self.finisher.busy:
            self.bell.ring()

    def done_on_loop(self, job: Job) -> None:
        """As done(), for the event loop, which must not wait for a disk."""
        self.done(job)
        if job.advance is not None:
            self.bell.ring()

    def onward(self, jobs: list[Job]) -> None:
        """These steps' checkpoints are written: run the following ones. In whichever thread wrote them."""
        self.pace.saw(sum(job.run_us for job in jobs), len(jobs))
        if self.draining.is_set():
            self._halted.extend(jobs)
        else:
            self.executors.hand_out(jobs, self.pace.hands)

    def wake(self) -> None:
        """There is work, or may be."""
        self._called = True
        self.bell.ring()

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
            self._hear()
            while self.steps.flush():
                # What threads that run something long have left lying.
                pass
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
            elif self._looks.came_back_empty() and not self._asleep:
                # Lie down, commit, and look once more before closing the eyes. What is under way here, steps of pipelines
                # for one, goes on all the same: lying down only means to be called when there is more.
                self._persist(self.desk.fall_asleep)
                self._asleep = True
                self._looks.once_more()
                self._limit_looks.wanted = True
            elif not (claimed or ended or (self.finished and not self.finisher.busy)):
                self._rest()

    def _hear(self) -> None:
        """What was said to this worker: that there is work, or that a task shall stop."""
        for said in self.line.notices():
            word, _, number = said.partition(" ")
            if word == "cancel" and number.isdecimal():
                self.interrupt(int(number), "cancel")
            else:
                self._called = True
        if self.line.is_broken():
            # The next look connects again.
            self._called = True

    def _hear_of_written(self) -> None:
        """What other threads wrote."""
        for written in (*self.finisher.take(), *self.steps.take()):
            self._confirm(written.jobs, written.kept, certain=written.certain)
            self._doubtful |= not written.certain

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
            else:
                ended.append(job)
        return ended

    def _turn(self, ended: list[Job]) -> list[Job]:
        """Write what ended and claim what there is room for; one round trip when all goes well."""
        if ended:
            self.pace.saw(sum(job.run_us for job in ended), len(ended))
        plain = self._settle_special(ended)
        room = self._room()
        if not plain and not self._called and self._looks.are_early():
            # Nothing was there a moment ago and nobody has said otherwise; but what waits for a limit is not called for.
            if self._limit_looks.wanted and room:
                self._dispatch(self._claim_limited(room))
            return []
        called, self._called = self._called, False
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
        if called and not claimed:
            self._limit_looks.wanted = True
        if len(claimed) < room and self._limit_looks.are_due():
            limited = self._claim_limited(room - len(claimed))
            self._dispatch(limited)
            claimed += limited
        return claimed

    def _room(self) -> int:
        idle, concurrency = self.executors.capacity()
        ahead = self.pace.ahead(concurrency, self.configuration.batch_max)
        room = idle + ahead - self.executors.unstarted()
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

    def _claim_limited(self, room: int) -> list[Job]:
        self._limit_looks.begin()
        claimed = self._persist(lambda: self.desk.claim_limited(room))
        self._limit_looks.saw(len(claimed))
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
        for job in claimed:
            runnable = find_runnable(job)
            if runnable is not None:
                choose_policy(job, runnable)
        self.executors.hand_out(claimed, self.pace.hands)

    # End

    def _settle(self, ended: list[Job]) -> None:
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
            self._limit_looks.wanted |= job.limited
            if job.id not in kept:
                if certain:
                    tally.refused += 1
                    logger.warning(
                        "Task %s: this worker's lease %s was no longer valid, its result is not written",
                        job.id,
                        job.lease,
                        extra={"action": "lease_lost", "task_id": job.id, "lease": job.lease},
                    )
            elif job.status in (SUCCESSFUL, DECLINED):
                # To find out that what was given is no good is work done, and nobody's failure.
                tally.succeeded += 1
            elif job.status in (FAILED, CANCELLED):
                tally.failed += 1
            else:
                tally.retried += 1

    def _reconcile(self) -> None:
        """After a reconnection: a claim whose answer was lost has left tasks in our name that we know nothing of."""
        if self._reconnections == self.line.reconnections and not self._doubtful:
            return
        known = list(self.held)
        found = self._persist(lambda: self.desk.release_unknown(known))
        self._reconnections = self.line.reconnections
        self._doubtful = False
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
        for waiting in (self._halted, *(executor.waiting for executor in self.executors.each())):
            while waiting:
                try:
                    unstarted.append(waiting.pop())
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

    def _sleep(self, pause_s: float) -> None:
        """Wait to be woken."""
        threads = self.executors.threads
        pause_s = min(pause_s, NUDGE_S) if threads.waiting else pause_s
        self.sleeping = True
        try:
            if not self.finished or self.finisher.busy:
                self.bell.wait(pause_s, self.line.fileno())
        finally:
            self.sleeping = False
            threads.nudge()

    def _persist(self, work: Callable[[], R]) -> R:
        return self.line.persist(work, self._line_lost)

    def _line_lost(self, error: Exception) -> None:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        logger.warning("The database is away: %s", reason[0], extra={"action": "connection_lost"})
