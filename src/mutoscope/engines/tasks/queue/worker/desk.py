"""What a worker says to the database: one typed method per statement of claims.sql, on the worker's own connection."""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Container
from pathlib import Path
from typing import Any

import psycopg

from mutoscope.engines.postgres.prepared import Value
from mutoscope.engines.tasks.queue.arrays import numbers, texts
from mutoscope.engines.tasks.queue.connection import Line
from mutoscope.engines.tasks.queue.context import Advance
from mutoscope.engines.tasks.queue.encoding import decode, encode
from mutoscope.engines.tasks.queue.results import CANCELLED, FAILED, task_error, trace_of
from mutoscope.engines.tasks.queue.worker.job import Job
from mutoscope.engines.tasks.statements import statements

SQL = statements(Path(__file__).with_name("claims.sql"))

# Advisory locks share one space in a database. This is our corner of it.
LIMITS_LOCK_CLASS = zlib.crc32(b"mutoscope.tasks.limits") & 0x7FFFFFFF

# Earlier attempts that are remembered: a task that waits for something may be tried for days.
PAST_KEPT_MAX = 100

logger = logging.getLogger("mutoscope.tasks")

Lane = tuple[str, int]


class Desk:
    """Claims and ends tasks for one worker id. Methods raise psycopg.Error; each is safe to repeat after it."""

    def __init__(self, line: Line, queues: list[str]) -> None:
        self.line = line
        self.queues = queues
        self.worker_id = 0
        self._turn = 0
        self._after_key = ""

    def register(self, name: str, concurrency: int) -> int:
        rows = self.line.execute(
            SQL["register"],
            {"name": name, "queues": ", ".join(self.queues), "queue_names": self.queues, "concurrency": concurrency},
        )
        self.worker_id = rows[0][0]
        return self.worker_id

    def queues_in_turn(self) -> list[str]:
        """The queues, another one first each time, so that a busy one does not keep the others waiting."""
        self._turn = (self._turn + 1) % len(self.queues)
        return self.queues[self._turn :] + self.queues[: self._turn]

    # Claim

    def claim(self, count: int) -> list[Job]:
        """Up to `count` tasks by a whole scan."""
        parameters: dict[str, Value] = {
            "worker_id": self.worker_id,
            "queues": texts(self.queues_in_turn()),
            "count": count,
        }
        return _jobs(self.line.call(SQL["claim"], parameters))

    def claim_limited(self, count: int) -> list[Job]:
        """Up to `count` tasks of those that share a limit."""
        connection = self.line.connection()
        with connection.transaction():
            parameters = {"queues": self.queues, "after": self._after_key, "lock_class": LIMITS_LOCK_CLASS}
            locked = connection.execute(SQL["lock_limits"], parameters).fetchall()
            keys = [name for kind, name, ours in locked if kind == "key"]
            self._after_key = keys[-1] if len(keys) >= 100 else ""
            ours = [(kind, name) for kind, name, is_ours in locked if is_ours]
            if not ours:
                return []
            parameters = {
                "worker_id": self.worker_id,
                "queues": self.queues,
                "keys": [name for kind, name in ours if kind == "key"],
                "limited_queues": [name for kind, name in ours if kind == "queue"],
                "count": count,
            }
            rows = connection.execute(SQL["claim_limited"], parameters).fetchall()
        return _jobs(rows, limited=True)

    # End

    def finish_and_claim(self, ended: list[Job], marks: dict[Lane, int], count: int) -> tuple[set[int], list[Job]]:
        """End these and claim up to `count` behind the marks. The ids that were ended: others were no longer ours."""
        turn = {queue: place for place, queue in enumerate(self.queues_in_turn())}
        lanes = sorted(marks, key=lambda lane: (turn[lane[0]], -lane[1]))
        parameters = self._ended(ended) | {
            "lane_queues": texts(queue for queue, _ in lanes),
            "lane_priorities": numbers(priority for _, priority in lanes),
            "lane_marks": numbers(marks[lane] for lane in lanes),
            "count": count,
        }
        rows = self.line.call(SQL["finish_and_claim"], parameters)
        _, number, *_, which, _, _, _, _ = rows.pop()
        kept = {job.id for job in ended} if number == len(ended) else {int(one) for one in which.split(",") if one}
        return kept, _jobs(rows)

    def finish(self, ended: list[Job]) -> set[int]:
        """End these, those that held a place under a limit among them."""
        return {row[0] for row in self.line.call(SQL["finish"], self._ended(ended))}

    def _ended(self, ended: list[Job]) -> dict[str, Any]:
        return {
            "worker_id": self.worker_id,
            "ids": numbers(job.id for job in ended),
            "leases": numbers(job.lease for job in ended),
            "statuses": numbers(job.status for job in ended),
            "run_us": numbers(job.run_us for job in ended),
            "results": texts(job.result for job in ended),
            "errors": texts(None if job.error is None else encode(job.error) for job in ended),
        }

    # Steps of pipelines

    def advance(self, jobs: list[Job]) -> tuple[set[int], set[int]]:
        """Write these steps' checkpoints and make the jobs the following steps'. The ids of those that go on, and of those that
        someone cancelled, which have ended; the rest was ours no longer."""
        steps = _steps(jobs)
        following = texts(step.carry.stored for _, step in steps if step.carry is not None)
        parameters = self._checkpoints(steps) | {"following": following}
        leases: dict[int, int] = dict(self.line.call(SQL["advance"], parameters))
        cancelled = self._cancel(jobs, leases)
        # Last: all of the above may be repeated after a broken connection, and only as long as the jobs are as they were.
        for job in jobs:
            if job.id in leases:
                job.go_on(leases[job.id])
        return set(leases), cancelled

    def conclude(self, jobs: list[Job]) -> tuple[set[int], set[int]]:
        """Write these last steps' checkpoints, and end the jobs and their runs. As advance(): none goes on."""
        ended = {row[0] for row in self.line.call(SQL["conclude"], self._checkpoints(_steps(jobs)))}
        return set(), ended | self._cancel(jobs, ended)

    def _checkpoints(self, steps: list[tuple[Job, Advance]]) -> dict[str, Value]:
        return {
            "worker_id": self.worker_id,
            "ids": numbers(job.id for job, _ in steps),
            "leases": numbers(job.lease for job, _ in steps),
            "run_ids": numbers(step.run_id for _, step in steps),
            "units": texts(step.unit for _, step in steps),
            "items": texts(step.item for _, step in steps),
            "outputs": texts(step.output for _, step in steps),
            "versions": numbers(step.version for _, step in steps),
            "attempts": numbers(job.attempt for job, _ in steps),
            "run_us": numbers(job.run_us for job, _ in steps),
        }

    def _cancel(self, jobs: list[Job], moved: Container[int]) -> set[int]:
        """Those that did not move are ours no longer, or cancelled: ending them finds out. The ids of the latter."""
        others = [job for job in jobs if job.id not in moved]
        for job in others:
            job.status = CANCELLED
        return self.finish(others) if others else set()

    def retry(self, jobs: list[Job]) -> set[int]:
        """Let these wait for their next attempt. The ids that were ours."""
        plain = [job for job in jobs if not job.unique_name]
        kept = self._retry_plain(plain) if plain else set()
        for job in jobs:
            if job.unique_name:
                kept |= self._retry_unique(job)
        others = [job for job in jobs if job.id not in kept]
        for job in others:
            # Ours no longer, or cancelled: ending them finds out.
            job.status = CANCELLED
        return kept | self.finish(others) if others else kept

    def _retry_plain(self, jobs: list[Job]) -> set[int]:
        parameters = {
            "worker_id": self.worker_id,
            "ids": [job.id for job in jobs],
            "leases": [job.lease for job in jobs],
            "delays_s": [job.delay_s for job in jobs],
            "pasts": [self._past(job) for job in jobs],
        }
        try:
            return {row[0] for row in self.line.execute(SQL["retry"], parameters)}
        except psycopg.DataError as error:
            # One of them holds what cannot be written. It shall not take the others with it.
            if len(jobs) == 1:
                return self._end_unwritable(jobs[0], error)
            return set().union(*(self._retry_plain([job]) for job in jobs))

    def _end_unwritable(self, job: Job, error: psycopg.DataError) -> set[int]:
        logger.error(
            "Task %s cannot be tried again: %s",
            job.id,
            error,
            extra={"action": "retry_unwritable", "task_id": job.id, "task_path": job.path},
        )
        job.status, job.delay_s, job.error = FAILED, None, task_error(error, trace_of(error))
        return self.finish([job])

    def _retry_unique(self, job: Job) -> set[int]:
        parameters = {
            "worker_id": self.worker_id,
            "id": job.id,
            "lease": job.lease,
            "delay_s": job.delay_s,
            "past": self._past(job),
        }
        try:
            return {row[0] for row in self.line.execute(SQL["retry_unique"], parameters)}
        except psycopg.DataError as error:
            return self._end_unwritable(job, error)
        except psycopg.errors.UniqueViolation:
            # Another task waits under this key and will do the same work: this one makes room for it.
            logger.info(
                "Task %s is not tried again: another waits under its key %r",
                job.id,
                job.unique_name,
                extra={"action": "task_superseded", "task_id": job.id},
            )
            return set()

    def _past(self, job: Job) -> str:
        past = decode(job.past)[-(PAST_KEPT_MAX - 1) :] if job.past else []
        return encode([*past, {"worker": self.worker_id, "error": job.error, "run_us": job.run_us}])

    # Give back

    def release(self, jobs: list[Job]) -> None:
        """Give back tasks that were not begun."""
        # Two of one unique name can be ours at once, the second enqueued while the first was: one of them takes the key.
        first_of = {job.unique_name: job.id for job in reversed(jobs)}
        firsts = [first_of[job.unique_name] == job.id for job in jobs]
        parameters = {
            "worker_id": self.worker_id,
            "ids": [job.id for job in jobs],
            "leases": [job.lease for job in jobs],
            "firsts": firsts,
        }
        while True:
            try:
                self.line.execute(SQL["release"], parameters)
                return
            except psycopg.errors.UniqueViolation:
                # Someone enqueued under one of the keys just now. The next look sees it.
                continue

    def release_unknown(self, known: list[int]) -> int:
        return len(self.line.execute(SQL["release_unknown"], {"worker_id": self.worker_id, "known": known}))

    # The rest

    def promote(self) -> tuple[int, float | None]:
        """Make due tasks ready: how many, and in how many seconds the next one is due."""
        number = self.line.connection().execute(SQL["promote"]).rowcount
        return number, self.line.execute(SQL["next_due"])[0][0]

    def write_progress(self, jobs: list[Job]) -> None:
        given = [(job, job.progress) for job in jobs if job.progress is not None]
        parameters = {
            "worker_id": self.worker_id,
            "ids": [job.id for job, _ in given],
            "leases": [job.lease for job, _ in given],
            "progress": [fraction for _, (fraction, _) in given],
            "notes": [note.replace("\x00", "") for _, (_, note) in given],
        }
        self.line.execute(SQL["progress"], parameters)

    def fall_asleep(self) -> None:
        self.line.call(SQL["fall_asleep"], {"worker_id": self.worker_id, "queues": texts(self.queues)})

    def wake_up(self) -> None:
        self.line.call(SQL["wake_up"], {"worker_id": self.worker_id, "queues": texts(self.queues)})


def _steps(jobs: list[Job]) -> list[tuple[Job, Advance]]:
    return [(job, job.advance) for job in jobs if job.advance is not None]


def _jobs(rows: list[tuple[Any, ...]], *, limited: bool = False) -> list[Job]:
    now = time.monotonic()
    # UPDATE ... RETURNING promises no order.
    jobs = [Job(row, limited=limited, now=now) for row in rows]
    jobs.sort(key=lambda job: (-job.priority, job.id))
    return jobs
