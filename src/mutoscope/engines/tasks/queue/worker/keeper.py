"""A worker's other thread: beats, looks after lost workers, passes cancellations and timeouts on, ticks schedules.

It has a connection of its own, so that a slow claim never looks like a dead worker.
"""

from __future__ import annotations

import logging
import threading
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from mutoscope.engines.tasks.queue.configuration import Configuration
from mutoscope.engines.tasks.queue.connection import BROKEN, Line, Stopped
from mutoscope.engines.tasks.queue.encoding import decode, encode, encode_args, encode_kwargs
from mutoscope.engines.tasks.queue.history import keep_days
from mutoscope.engines.tasks.queue.policy import TaskCancelled, WorkerLost
from mutoscope.engines.tasks.queue.results import find_task, task_error
from mutoscope.engines.tasks.queue.schedules import declared_schedules, next_tick
from mutoscope.engines.tasks.queue.worker.pump import Pump
from mutoscope.engines.tasks.statements import statements

SQL = statements(Path(__file__).with_name("keeping.sql"))

HISTORY_LOCK_CLASS = zlib.crc32(b"mutoscope.tasks.history") & 0x7FFFFFFF
HISTORY_EVERY_S = 3600.0
HISTORY_AGAIN_S = 60.0
TICK_S = 0.5
REAP_EVERY_S = 1.0
SCHEDULE_AGAIN = timedelta(hours=1)

logger = logging.getLogger("mutoscope.tasks")


class Keeper:
    """Runs in a thread until told to stop. `worker_id` is 0 while the worker has none."""

    def __init__(
        self,
        line: Line,
        configuration: Configuration,
        pump: Pump,
        interrupt: Callable[[int, str], None],
        enqueue: Callable[[psycopg.Connection[tuple[Any, ...]], Any, list[Any], dict[str, Any]], int],
        on_empty: Callable[[], None] | None = None,
    ) -> None:
        self.line = line
        self.configuration = configuration
        self.pump = pump
        self._interrupt = interrupt
        self._enqueue = enqueue
        # Told once, when nothing is left to do. None for a worker that then waits for more.
        self._on_empty = on_empty
        self._thread = threading.Thread(target=self._work, name="tasks-keeper", daemon=True)
        self._stop = threading.Event()
        self._beat_at = 0.0
        self._reap_at = 0.0
        self._reap_from = 0.0
        self._schedule_at = 0.0
        self._history_at = 0.0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self.line.stopped.set()
        self._thread.join(5.0)
        self.line.close()

    def _work(self) -> None:
        while not self._stop.wait(TICK_S / 2):
            try:
                self.line.persist(self._round)
            except Stopped:
                return
            except Exception:
                # Whatever it was, a worker that no longer beats is worse.
                logger.exception("The worker's keeper failed", extra={"action": "keeper_failed"})
                self.line.close()

    def _round(self) -> None:
        now = time.monotonic()
        if now >= self._beat_at:
            self._beat()
            self._beat_at = now + self.configuration.beat_s
            self._pass_cancellations()
        if now >= max(self._reap_at, self._reap_from):
            self._reap_at = now + REAP_EVERY_S
            self.reap()
        # Before the schedules, which people declare: whatever is wrong with one of them, the history is kept.
        if now >= self._history_at:
            self._history_at = now + HISTORY_AGAIN_S
            self.keep_history()
        if now >= self._schedule_at:
            self._schedule_at = now + TICK_S
            self.tick_schedules()
        if self._on_empty is not None and not self._has_work():
            self._on_empty()
            self._on_empty = None

    def _has_work(self) -> bool:
        pump = self.pump
        if not pump.desk.worker_id or pump.disowned.is_set():
            return True
        parameters = {"worker_id": pump.desk.worker_id, "queues": pump.desk.queues}
        return bool(self.line.execute(SQL["has_work"], parameters)[0][0])

    def _beat(self) -> None:
        pump, tally = self.pump, self.pump.tally
        if not pump.desk.worker_id or pump.disowned.is_set():
            return
        parameters = {
            "worker_id": pump.desk.worker_id,
            "state": "DRAINING" if pump.draining.is_set() else "WORKING",
            "succeeded": tally.succeeded + pump.steps.passed,
            "failed": tally.failed,
            "retried": tally.retried,
            "refused": tally.refused,
        }
        rows = self.line.execute(SQL["beat"], parameters)
        stale_s = self.configuration.stale_s
        if not rows:
            logger.error(
                "This worker was declared lost: its tasks went to others, what it is running counts for nothing",
                extra={"action": "disowned", "worker_id": pump.desk.worker_id},
            )
            pump.disowned.set()
            pump.wake()
            return
        gap_s, server_up_s = rows[0]
        # When this machine, its network or the server stood still, the others' beats are as old as ours. They get as long
        # as any worker has before they are taken for dead.
        if gap_s > self.configuration.beat_s * 2:
            self._reap_from = time.monotonic() + stale_s
        elif server_up_s < stale_s:
            self._reap_from = time.monotonic() + stale_s - server_up_s

    def _pass_cancellations(self) -> None:
        running = [job.id for job in self.pump.executors.running()]
        if running:
            rows = self.line.execute(SQL["cancellations"], {"ids": running, "worker_id": self.pump.desk.worker_id})
            for (task_id,) in rows:
                self._interrupt(task_id, "cancel")

    def reap(self) -> int:
        """Give the tasks of workers that no longer beat to others. How many waited again or ended."""
        connection = self.line.connection()
        with connection.transaction():
            lost = connection.execute(SQL["lost_workers"], {"stale_s": self.configuration.stale_s}).fetchall()
            if not lost:
                return 0
            ids = [row[0] for row in lost]
            error = WorkerLost(f"{self.configuration.lost_max} workers in a row stopped beating while they ran it")
            parameters = {
                "worker_ids": ids,
                "lost_max": self.configuration.lost_max,
                "error": encode(task_error(error, str(error))),
                "cancelled": encode(task_error(TaskCancelled(), "cancelled while it ran; its worker was lost")),
            }
            row = connection.execute(SQL["reap"], parameters).fetchone()
            connection.execute(SQL["end_workers"], {"worker_ids": ids, "state": "LOST"})
            connection.execute(SQL["forget_sleepers"], {"worker_ids": ids})
        back, ended = (row[0], row[1]) if row else (0, 0)
        logger.warning(
            "Lost %s workers: %s of their tasks wait again, %s ended",
            len(ids),
            back,
            ended,
            extra={"action": "reaped", "workers": [name for _, name in lost], "returned": back, "ended": ended},
        )
        self.pump.wake()
        return int(back + ended)

    def prepare(self) -> None:
        """What has to be there before the first task: its day's partition, since a row in the rest's keeps it from being made."""
        try:
            self.line.persist(self.keep_history)
        except psycopg.Error:
            logger.exception("The history's partitions could not be made", extra={"action": "history_failed"})
        self.line.persist(self.declare_schedules)

    def declare_schedules(self) -> None:
        """Write what the code declares into the table, and forget what it no longer does."""
        connection = self.line.connection()
        with connection.transaction():
            row = connection.execute("SELECT clock_timestamp()").fetchone()
            assert row is not None
            names = []
            for one in declared_schedules():
                names.append(one.name)
                parameters = {
                    "name": one.name,
                    "cron": one.cron,
                    "timezone": one.timezone,
                    "path": one.task.module_path,
                    "args": encode_args(one.args),
                    "kwargs": encode_kwargs(one.kwargs),
                    "next_at": next_tick(one.cron, one.timezone, row[0].astimezone(UTC)),
                }
                connection.execute(SQL["declare_schedule"], parameters)
            connection.execute(SQL["forget_schedules"], {"names": names})

    def tick_schedules(self) -> int:
        """Enqueue what is due; how many. The enqueue and the schedule's move to its next tick commit together."""
        connection = self.line.connection()
        with connection.transaction():
            due = connection.execute(SQL["due_schedules"]).fetchall()
            for name, cron, zone, path, args, kwargs, next_at, now in due:
                task_id = self._tick(connection, name, path, args, kwargs)
                following = _following(name, cron, zone, now.astimezone(UTC))
                parameters = {"name": name, "next_at": following, "last_at": next_at, "task_id": task_id}
                connection.execute(SQL["move_schedule"], parameters)
        if due:
            self.pump.wake()
        return len(due)

    def _tick(
        self, connection: psycopg.Connection[tuple[Any, ...]], name: str, path: str, args: str, kwargs: str
    ) -> int | None:
        """Enqueue one schedule's task; its id. None when that fails: a tick is lost then, and the others are not."""
        try:
            with connection.transaction():
                return self._enqueue(connection, find_task(path), decode(args), decode(kwargs))
        except BROKEN:
            raise
        except Exception:
            logger.exception("Schedule %s cannot be enqueued", name, extra={"action": "schedule_failed"})
            return None

    def keep_history(self) -> None:
        """Make and drop the history's days; another worker that is at it is not waited for."""
        connection = self.line.connection()
        with connection.transaction():
            row = connection.execute(SQL["try_lock"], {"lock_class": HISTORY_LOCK_CLASS, "lock": 0}).fetchone()
            if row is None or not row[0]:
                return
            connection.execute("SET LOCAL lock_timeout = '2s'")
            today = connection.execute("SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date").fetchone()
            assert today is not None
            keep_days(connection, today[0], self.configuration.retention_days)
            connection.execute(SQL["forget_workers"])
        self._history_at = time.monotonic() + HISTORY_EVERY_S


def _following(name: str, cron: str, zone: str, now: datetime) -> datetime:
    """The schedule's tick after this one. What another version of the code declared may make no sense here."""
    try:
        return next_tick(cron, zone, now)
    except ValueError:
        logger.exception("Schedule %s has no next tick", name, extra={"action": "schedule_failed"})
        return now + SCHEDULE_AGAIN
