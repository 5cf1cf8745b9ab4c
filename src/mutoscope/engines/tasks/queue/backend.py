"""The backend of Django's tasks API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections

from mutoscope.engines.postgres.prepared import fetch_prepared
from mutoscope.engines.tasks.compat import (
    BaseTaskBackend,
    InvalidTaskError,
    Task,
    TaskResult,
    TaskResultDoesNotExist,
    task_backends,
    task_enqueued,
)
from mutoscope.engines.tasks.queue.arrays import texts
from mutoscope.engines.tasks.queue.configuration import Configuration, read_configuration
from mutoscope.engines.tasks.queue.encoding import encode_args, encode_kwargs
from mutoscope.engines.tasks.queue.observers import someone_listens
from mutoscope.engines.tasks.queue.policy import key_for, policy_of
from mutoscope.engines.tasks.queue.results import TaskNotFound, new_result, parse_id, result_from_row
from mutoscope.engines.tasks.queue.task import QueueTask
from mutoscope.engines.tasks.statements import statements

SQL = statements(Path(__file__).with_name("queries.sql"))

Row = tuple[Any, ...]
Execute = Callable[[str, dict[str, Any]], Row | None]

# PostgreSQL holds earlier and later moments than Python reads, and the reader's zone shifts them by up to a day.
RUN_AFTER_MIN = datetime(2, 1, 1, tzinfo=UTC)
RUN_AFTER_MAX = datetime(9998, 12, 31, tzinfo=UTC)
# Bounds the memory of one statement; a larger list goes in as several.
BULK_ROWS_MAX = 10_000


class PostgresBackend(BaseTaskBackend):
    """Enqueues in the caller's transaction: commit shows the task to the workers, rollback leaves nothing of it."""

    task_class = QueueTask  # type: ignore[assignment]
    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    @cached_property
    def configuration(self) -> Configuration:
        return read_configuration(self.options)

    # Enqueue

    def validate_task(self, task: Task[..., Any]) -> None:
        """Raise InvalidTaskError for a task that this backend cannot store, or not read again."""
        if type(task.priority) is not int:
            raise InvalidTaskError(f"priority is {task.priority!r}, and has to be a whole number from -100 to 100.")
        if task.run_after is not None and not _is_readable(task.run_after):
            raise InvalidTaskError(f"run_after is {task.run_after!r}, and has to be a moment in the years 2 to 9998.")
        super().validate_task(task)

    def enqueue(self, task: Task[..., Any], args: Any, kwargs: Any) -> TaskResult[Any]:
        """Insert one task in the caller's transaction. Waits for nothing, unless the task has a unique key."""
        self.validate_task(task)
        parameters = self._parameters(task, args, kwargs)
        task_id, enqueued_at = self._enqueue_with(self._execute, task, parameters)
        if enqueued_at is None:
            return self.get_result(str(task_id))
        result = new_result(task, str(task_id), enqueued_at, parameters["args"], parameters["kwargs"], self.alias)
        if someone_listens(task_enqueued, type(self)):
            task_enqueued.send(type(self), task_result=result)
        return result

    def enqueue_on(
        self, connection: psycopg.Connection[tuple[Any, ...]], task: Task[..., Any], args: Any, kwargs: dict[str, Any]
    ) -> int:
        """Insert one task in the transaction of a connection that is not Django's; its id. No signal is sent."""
        self.validate_task(task)

        def execute(statement: str, parameters: dict[str, Any]) -> Row | None:
            return connection.execute(statement, parameters).fetchone()

        return self._enqueue_with(execute, task, self._parameters(task, args, kwargs))[0]

    def enqueue_many(
        self,
        task: Task[..., Any],
        calls: Sequence[tuple[Sequence[Any], dict[str, Any]]],
    ) -> list[str]:
        """Insert many calls of one task in the caller's transaction; their ids, in the order of `calls`.

        A task with keys goes in one by one, since each may find its key taken. Raises TypeError for a call that is no pair of
        arguments and named arguments, before any is inserted.
        """
        self.validate_task(task)
        encoded = [_encoded(place, call) for place, call in enumerate(calls)]
        policy = policy_of(task.func)
        keyed = policy.unique_key or policy.limit_key
        if keyed or (isinstance(task, QueueTask) and (task.unique_key or task.limit_key)):
            return [self.enqueue(task, tuple(args), kwargs).id for args, kwargs in calls]
        ids: list[str] = []
        for start in range(0, len(encoded), BULK_ROWS_MAX):
            part = encoded[start : start + BULK_ROWS_MAX]
            parameters = {
                "queue": task.queue_name,
                "path": task.module_path,
                "priority": task.priority,
                "run_at": None if task.run_after is None else task.run_after.isoformat(),
                "args": texts(args for args, _ in part),
                "kwargs": texts(kwargs for _, kwargs in part),
            }
            row = self._execute(SQL["enqueue_many"], parameters)
            ids += map(str, row[0] if row else [])
        if task.run_after is None and ids:
            self._execute(SQL["wake"], {"queue": task.queue_name, "count": len(ids)})
        if someone_listens(task_enqueued, type(self)):
            for result_id, (args, kwargs) in zip(ids, encoded, strict=True):
                result = new_result(task, result_id, None, args, kwargs, self.alias)
                task_enqueued.send(type(self), task_result=result)
        return ids

    def _parameters(self, task: Task[..., Any], args: Any, kwargs: Any) -> dict[str, Any]:
        policy = policy_of(task.func)
        unique_key, limit_key, limit_max = policy.unique_key, policy.limit_key, policy.limit_max
        if isinstance(task, QueueTask):
            unique_key = task.unique_key or unique_key
            limit_key = task.limit_key or limit_key
            limit_max = task.limit_max or limit_max
        limited_by = key_for("limit_key", limit_key, args, kwargs) if limit_key else None
        return {
            "queue": task.queue_name,
            "path": task.module_path,
            "priority": task.priority,
            "args": encode_args(args),
            "kwargs": encode_kwargs(kwargs),
            "run_at": None if task.run_after is None else task.run_after.isoformat(),
            "unique_key": key_for("unique_key", unique_key, args, kwargs) if unique_key else None,
            "limit_key": limited_by,
            "limit_max": limit_max if limited_by is not None else None,
        }

    def _enqueue_with(
        self, execute: Execute, task: Task[..., Any], parameters: dict[str, Any]
    ) -> tuple[int, datetime | None]:
        """The new task's id and time; the waiting task's id and None when the task's key is taken."""
        if parameters["unique_key"] is None:
            statement = SQL["enqueue"]
        elif isinstance(task, QueueTask) and task.when_taken == "replace":
            statement = SQL["enqueue_unique_replace"]
        else:
            statement = SQL["enqueue_unique_keep"]
        while True:
            row = execute(statement, parameters)
            if row is not None:
                return row[0], datetime.fromisoformat(row[1])
            waiting = execute(SQL["find_by_unique_key"], parameters)
            if waiting is not None:
                return waiting[0], None
            # A worker took it between the two statements: the key is free again.

    # Results

    def get_result(self, result_id: str) -> TaskResult[Any]:
        """The task by its id, live or finished. Raises TaskResultDoesNotExist."""
        number = parse_id(result_id)
        if number is None:
            raise TaskResultDoesNotExist(result_id)
        with connections[self.configuration.database].cursor() as cursor:
            cursor.execute(SQL["result"], {"id": number})
            row = cursor.fetchone()
            if row is None:
                raise TaskResultDoesNotExist(result_id)
            names = [column.name for column in cursor.description]
        try:
            return result_from_row(dict(zip(names, row, strict=True)), self.alias)
        except TaskNotFound as error:
            raise TaskResultDoesNotExist(f"{result_id}: {error}") from error

    def _execute(self, statement: str, parameters: dict[str, Any]) -> Row | None:
        waits = parameters.get("unique_key") is not None
        rows = fetch_prepared(self.configuration.database, statement, parameters, waits=waits)
        return rows[0] if rows else None


def _is_readable(run_after: object) -> bool:
    if not isinstance(run_after, datetime):
        return False
    moment = run_after if run_after.tzinfo is not None else run_after.replace(tzinfo=UTC)
    return RUN_AFTER_MIN <= moment <= RUN_AFTER_MAX


def _encoded(place: int, call: tuple[Sequence[Any], dict[str, Any]]) -> tuple[str, str]:
    """One call's arguments as JSON."""
    try:
        args, kwargs = call
        return encode_args(args), encode_kwargs(kwargs)
    except (TypeError, ValueError) as error:
        shown = repr(call)[:80]
        raise TypeError(
            f"Call {place} is {shown}, and has to be a pair (args, kwargs) that JSON can hold: {error}"
        ) from error


def backend_of(alias: str = "default") -> PostgresBackend:
    """The backend under that alias. Raises InvalidTaskError when TASKS names another kind there."""
    backend = task_backends[alias]
    if not isinstance(backend, PostgresBackend):
        raise InvalidTaskError(f"TASKS['{alias}'] is {type(backend).__name__}, not PostgresBackend.")
    return backend
