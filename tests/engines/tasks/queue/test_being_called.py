"""How a sleeping worker is woken: by its own threads, and by NOTIFY."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from django.db import connection

from mutoscope.engines.tasks.queue.backend import PostgresBackend, backend_of
from mutoscope.engines.tasks.queue.worker.bell import Bell
from tests.engines.tasks.conftest import PATIENCE_S, eventually, finished, working
from tests.engines.tasks.project import tasks


def test_no_ring_is_lost_however_many_threads_ring() -> None:
    bell = Bell()
    left: deque[int] = deque()
    ringers, rings = 4, 2_000

    def ring() -> None:
        for number in range(rings):
            left.append(number)
            bell.ring()

    threads = [threading.Thread(target=ring) for _ in range(ringers)]
    for thread in threads:
        thread.start()
    found = 0
    while found < ringers * rings:
        assert bell.wait(PATIENCE_S, None), f"nobody rang, and {len(left)} lie here"
        taken = len(left)
        for _ in range(taken):
            left.popleft()
        found += taken
    for thread in threads:
        thread.join()
    bell.close()


def test_a_ring_before_the_sleep_counts_once() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()
    assert bell.wait(PATIENCE_S, None)
    assert not bell.wait(0.0, None)
    bell.close()
    # Threads that outlive the worker may still ring.
    bell.ring()


def test_an_idle_worker_is_called_for_what_comes(backend: PostgresBackend, settings: Any) -> None:
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
