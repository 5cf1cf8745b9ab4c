"""How a sleeping worker is woken: by its own threads, and by NOTIFY."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from django.db import connection

from mutoscope.engines.tasks.queue.backend import PostgresBackend, backend_of
from mutoscope.engines.tasks.queue.worker import keeper
from mutoscope.engines.tasks.queue.worker.bell import Bell
from tests.engines.tasks.conftest import eventually, finished, working
from tests.engines.tasks.project import tasks


class RingsMeanwhile:
    """The sleeper's end of the bell; someone rings at the very moment at which it takes a ring."""

    def __init__(self, bell: Bell, end: socket.socket) -> None:
        self.bell = bell
        self.end = end

    def fileno(self) -> int:
        return self.end.fileno()

    def recv(self, number: int) -> bytes:
        self.bell.ring()
        return self.end.recv(number)


def test_a_ring_while_another_is_taken_makes_no_later_one_unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    bell = Bell()
    with monkeypatch.context() as patch:
        patch.setattr(bell, "_clapper", RingsMeanwhile(bell, bell._clapper))
        bell.ring()
        assert bell.wait(0.0, None)
    bell.ring()
    assert bell.wait(0.0, None)
    bell.close()


def test_a_ring_before_the_sleep_counts_once() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()
    assert bell.wait(0.0, None)
    assert not bell.wait(0.0, None)
    bell.close()
    # Threads that outlive the worker may still ring.
    bell.ring()


def test_an_idle_worker_is_called_for_what_comes(
    backend: PostgresBackend, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A schedule's tick would wake it too.
    monkeypatch.setattr(keeper, "declared_schedules", list)
    ours = settings.TASKS["default"]
    settings.TASKS = {"default": ours | {"OPTIONS": ours["OPTIONS"] | {"POLL_S": 1000}}}
    with working(backend_of()) as worker:
        for number in range(3):
            # It has looked as often as it does by itself: from now on it would sleep for a quarter of an hour.
            eventually(lambda: worker.pump._looks.pause_s() > 100)
            assert finished(tasks.echo.enqueue(number)).return_value == number
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'tasks pump' AND datname = current_database()"
            )
        eventually(lambda: worker.pump.line.reconnections == 1, "the connection that listens")
        eventually(lambda: worker.pump._looks.pause_s() > 100)
        assert finished(tasks.echo.enqueue("again")).return_value == "again"
