"""A queue in Django's own test database, and workers on it that live in the test's process."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from mutoscope.engines.postgres.embedded import EmbeddedServer
from mutoscope.engines.tasks.compat import TaskResult
from mutoscope.engines.tasks.queue import schedules
from mutoscope.engines.tasks.queue.backend import PostgresBackend, backend_of
from mutoscope.engines.tasks.queue.operate import Operator
from mutoscope.engines.tasks.queue.worker.worker import Size, Worker
from tests.engines.tasks.processes import Project, scratch_database

PATIENCE_S = 60.0


@pytest.fixture
def backend(transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresBackend]:
    """The queue's backend, with queues for the test project's tasks and short times, and without the site's own schedules: one of them
    that ticks meanwhile would be counted among a test's tasks."""
    settings.TASKS = {
        "default": {
            "BACKEND": "mutoscope.engines.tasks.queue.backend.PostgresBackend",
            "QUEUES": ["default", "other", "children", "slow"],
            "OPTIONS": {"BEAT_S": 0.2, "STALE_S": 1.5, "POLL_S": 0.2, "GRACE_S": 5.0},
        }
    }
    from tests.engines.tasks.project import tasks

    ours = {name: each for name, each in schedules._DECLARED.items() if each.task.module_path.startswith("tests.")}
    monkeypatch.setattr(schedules, "_DECLARED", ours)

    # No model of Django's, so it is not emptied between tests: a worker that one of them took for lost may lie there.
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tasks_sleeper")
    tasks.RAN.clear()
    tasks.GATE.clear()
    tasks.STARTED.clear()
    yield backend_of()
    tasks.GATE.set()


@pytest.fixture
def operator(backend: PostgresBackend) -> Operator:
    return Operator(backend)


@contextlib.contextmanager
def working(backend: PostgresBackend, queues: list[str] | None = None, size: Size | None = None) -> Iterator[Worker]:
    """A worker in threads of this process, for the length of the block."""
    worker = Worker(backend, queues, size)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            worker.run()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, name="worker under test")
    thread.start()
    try:
        assert worker.ready.wait(PATIENCE_S), "the worker did not start"
        yield worker
    finally:
        worker.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the worker did not stop"
        assert not failures, failures


def eventually(condition: Callable[[], Any], what: str = "it") -> Any:
    """The condition's first true value. Fails the test when there is none for a long time."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what} did not happen within {PATIENCE_S:.0f} s")


def finished(result: TaskResult[Any]) -> TaskResult[Any]:
    """The result, once its task has ended."""

    def look() -> bool:
        result.refresh()
        return result.is_finished

    eventually(look, f"the end of {result.task.name}")
    return result


@pytest.fixture
def project(postgres_server: EmbeddedServer) -> Iterator[Project]:
    """The minimal project on a scratch database of its own, migrated, with a table `notes` for its tasks to write to."""
    with scratch_database(postgres_server) as url:
        project = Project(url)
        project.manage("migrate", "--verbosity", "0")
        project.rows("CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY, text text)")
        try:
            yield project
        finally:
            project.end()
