"""What an operator does to tasks and queues: the admin, the command line and code all come here."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.db import connections, transaction

from mutoscope.engines.tasks.queue.backend import SQL, PostgresBackend
from mutoscope.engines.tasks.queue.encoding import encode
from mutoscope.engines.tasks.queue.policy import TaskCancelled, check_limit
from mutoscope.engines.tasks.queue.results import parse_id, task_error

PURGE_AT_ONCE = 5_000

logger = logging.getLogger("mutoscope.tasks")


class Operator:
    """Each method is one transaction, or part of the caller's."""

    def __init__(self, backend: PostgresBackend) -> None:
        self.database = backend.configuration.database

    def cancel(self, result_id: str) -> bool:
        """End a waiting task, or ask a running one to stop. Whether it was still there to be cancelled.

        A running async task or child process is stopped; a thread is interrupted at its next bytecode, or not at all while
        it is inside a C call.
        """
        number = parse_id(result_id)
        if number is None:
            return False
        error = encode(task_error(TaskCancelled(), "cancelled before it ran"))
        # Twice, since a worker may take the task between the first look and the second.
        for _ in range(2):
            if self._execute("cancel_waiting", {"id": number, "error": error}):
                logger.info("Task %s cancelled", number, extra={"action": "task_cancelled", "task_id": number})
                return True
            if self._execute("ask_to_cancel", {"id": number}):
                return True
        return False

    def retry(self, result_ids: Iterable[str]) -> list[str]:
        """Failed and cancelled tasks wait again, under their own ids; the ids of those that do."""
        return self._again("retry_finished", result_ids)

    def run_now(self, result_ids: Iterable[str]) -> list[str]:
        """Tasks that wait for their time may run at once; the ids of those that may."""
        return self._again("run_now", result_ids)

    def drop(self, result_ids: Iterable[str]) -> int:
        """Forget finished tasks; how many."""
        return len(self._execute("drop_finished", {"ids": _numbers(result_ids)}))

    def pause(self, queue: str) -> None:
        """No worker claims from the queue until it is resumed. What runs goes on."""
        self._execute("set_paused", {"queue": queue, "paused": True})

    def resume(self, queue: str) -> None:
        with transaction.atomic(using=self.database):
            self._execute("set_paused", {"queue": queue, "paused": False})
            self._execute("wake", {"queue": queue, "count": 100})

    def limit(self, queue: str, running_max: int | None) -> None:
        """At most so many of the queue's tasks run at once, over all workers; None for any number.

        Tasks that ran before the limit was set do not count. Raises ValueError for what is no such number.
        """
        check_limit("running_max", running_max)
        self._execute("set_running_max", {"queue": queue, "running_max": running_max})

    def purge(self, queue: str) -> int:
        """Drop every task that waits in the queue; how many. They leave no trace in the history."""
        purged = 0
        while True:
            number = self._count("purge_waiting", {"queue": queue, "count": PURGE_AT_ONCE})
            purged += number
            if number < PURGE_AT_ONCE:
                logger.warning("Queue %s purged of %s tasks", queue, purged, extra={"action": "queue_purged"})
                return purged

    def _again(self, statement: str, result_ids: Iterable[str]) -> list[str]:
        with transaction.atomic(using=self.database):
            rows = self._execute(statement, {"ids": _numbers(result_ids)})
            for queue in sorted({row[1] for row in rows}):
                self._execute("wake", {"queue": queue, "count": sum(row[1] == queue for row in rows)})
        return [str(row[0]) for row in rows]

    def _execute(self, statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        with connections[self.database].cursor() as cursor:
            cursor.execute(SQL[statement], parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
            return rows

    def _count(self, statement: str, parameters: dict[str, Any]) -> int:
        with connections[self.database].cursor() as cursor:
            cursor.execute(SQL[statement], parameters)
            number: int = cursor.rowcount
            return number


def _numbers(result_ids: Iterable[str]) -> list[int]:
    return [number for result_id in result_ids if (number := parse_id(result_id)) is not None]
