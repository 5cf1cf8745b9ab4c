"""One measurement of ours: `python -m bench.tasks.ours URL WHAT NUMBER` prints JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.core.management import call_command

from bench.tasks.spread import spread


def main() -> None:
    os.environ["BENCH_DATABASE_URL"] = sys.argv[1]
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.tasks.settings"
    import django

    django.setup()
    if sys.argv[2] != "restart":
        call_command("migrate", verbosity=0)
        scalar(
            "TRUNCATE tasks_task, tasks_finished, tasks_worker, tasks_sleeper, tasks_slot, tasks_run, tasks_unit; SELECT 1"
        )
    print(json.dumps(globals()[sys.argv[2]](int(sys.argv[3]))))


def scalar(query: str) -> Any:
    with psycopg.connect(os.environ["BENCH_DATABASE_URL"], autocommit=True) as connection:
        cursor = connection.execute(query)
        while cursor.nextset():
            pass
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


@contextmanager
def worker(*arguments: str):  # type: ignore[no-untyped-def]
    """A worker process with its default settings, beating already."""
    process = subprocess.Popen([sys.executable, "-m", "django", "worker", *arguments])
    try:
        until("SELECT count(*) > 0 FROM tasks_worker WHERE ended_at IS NULL")
        time.sleep(1.0)
        yield process
    finally:
        process.terminate()
        process.wait()


def until(query: str, wanted: Any = True) -> None:
    with psycopg.connect(os.environ["BENCH_DATABASE_URL"], autocommit=True) as connection:
        while True:
            row = connection.execute(query).fetchone()
            if row is not None and row[0] == wanted:
                return
            time.sleep(0.01)


def wal() -> int:
    return int(scalar("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"))


def drain(number: int, task: Any) -> dict[str, float]:
    """Enqueue all, then let a worker with default settings that is already running at them."""
    from mutoscope.engines.tasks.queue.backend import backend_of
    from mutoscope.engines.tasks.queue.operate import Operator

    operator = Operator(backend_of())
    operator.pause("default")
    started_at = wal()
    began = time.perf_counter()
    last = backend_of().enqueue_many(task, [((), {})] * number)[-1]
    bulk = number / (time.perf_counter() - began)
    with worker():
        operator.resume("default")
        began = time.perf_counter()
        # First by a lookup: reading a table that is being emptied again and again would take a core's time from the worker.
        until(f"SELECT EXISTS (SELECT 1 FROM tasks_finished WHERE id = {last})")
        until("SELECT NOT EXISTS (SELECT 1 FROM tasks_task)")
        return {
            "process": number / (time.perf_counter() - began),
            "bulk": bulk,
            "wal": (wal() - started_at) / number,
        }


def process(number: int) -> dict[str, float]:
    from bench.tasks.workload import noop

    return drain(number, noop)


def process_async(number: int) -> dict[str, float]:
    from bench.tasks.workload import anoop

    return {"process_async": drain(number, anoop)["process"]}


def enqueue(number: int) -> dict[str, float]:
    from bench.tasks.workload import noop

    noop.enqueue()
    began = time.perf_counter()
    for _ in range(number):
        noop.enqueue()
    return {"enqueue": number / (time.perf_counter() - began)}


def latency(number: int) -> dict[str, float]:
    from bench.tasks.workload import started

    with worker():
        results, commits_ms = [], []
        for _ in range(number):
            sent_at = time.time()
            results.append(started.enqueue(sent_at))
            commits_ms.append((time.time() - sent_at) * 1000)
            time.sleep(0.05)
        until("SELECT NOT EXISTS (SELECT 1 FROM tasks_task)")
        waits_ms = []
        for result in results:
            result.refresh()
            waits_ms.append(result.return_value * 1000)
    return spread(waits_ms, commits_ms)


def killed(_: int) -> dict[str, float]:
    """Seconds from kill -9 on the worker that runs a task until another worker with default settings runs it again."""
    from bench.tasks.workload import hangs

    began = "SELECT count(*) > 0 FROM tasks_task WHERE attempt = {} AND worker_id IS NOT NULL"
    with worker() as first:
        hangs.enqueue()
        until(began.format(1))
        first.kill()
        died = time.perf_counter()
        first.wait()
        with worker() as second:
            until(began.format(2))
            took = time.perf_counter() - died
            second.kill()
    return {"killed": took}


def restart(number: int) -> dict[str, float]:
    """PostgreSQL stopped at once under load: seconds from its return to the next result, and results lost and doubled."""
    from django.db import connection

    from bench.tasks.workload import noop
    from mutoscope.engines.postgres.embedded import EmbeddedServer
    from mutoscope.engines.tasks.queue.backend import backend_of

    server = EmbeddedServer(Path(os.environ["BENCH_HOME"]), sync_on_creation=False)
    server.start()
    try:
        os.environ["BENCH_DATABASE_URL"] = server.url()
        connection.settings_dict["HOST"] = str(server.socket_directory())
        connection.settings_dict["NAME"] = server.database
        connection.settings_dict["USER"] = server.role
        connection.close()
        call_command("migrate", verbosity=0)
        backend_of().enqueue_many(noop, [((), {})] * number)
        with worker():
            until("SELECT count(*) > 0 FROM tasks_finished")
            pid = server.pid()
            assert pid is not None
            os.kill(pid, signal.SIGQUIT)
            while server.exit_code() is None:
                time.sleep(0.005)
            server.stop()
            server.start()
            back = time.perf_counter()
            before = scalar("SELECT count(*) FROM tasks_finished")
            if before == number:
                raise RuntimeError(f"all of {number} tasks were done before the server was stopped: ask for more")
            until(f"SELECT count(*) > {before} FROM tasks_finished")
            resumed = time.perf_counter() - back
            until("SELECT NOT EXISTS (SELECT 1 FROM tasks_task)")
        results, distinct = scalar("SELECT ARRAY[count(*), count(DISTINCT id)] FROM tasks_finished WHERE status = 1")
        return {"resumed": resumed, "lost": number - distinct, "doubled": results - distinct}
    finally:
        server.stop()


def steps(number: int) -> dict[str, float]:
    """Ten runs of a thousand steps at once, again and again; the time from the first start to the last end."""
    from bench.tasks import workload

    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    with worker_of_steps():
        workload.PIPELINE.start(0)
        until("SELECT count(*) > 0 FROM tasks_run WHERE state = 'SUCCEEDED'")
        rounds = max(1, number // (10 * workload.STEPS))
        began = time.perf_counter()
        for _ in range(rounds):
            for _ in range(10):
                workload.PIPELINE.start(0)
            until("SELECT NOT EXISTS (SELECT 1 FROM tasks_run WHERE state = 'RUNNING')")
        return {"steps": rounds * 10 * workload.STEPS / (time.perf_counter() - began)}


def pinned(number: int) -> dict[str, float]:
    """Processing rate before and while another transaction holds the xmin horizon, after `number` tasks."""
    from bench.tasks.workload import noop
    from mutoscope.engines.tasks.queue.backend import backend_of

    backend = backend_of()

    def rate(count: int) -> float:
        began = time.perf_counter()
        until("SELECT NOT EXISTS (SELECT 1 FROM tasks_task)")
        return count / (time.perf_counter() - began)

    def go(count: int) -> float:
        scalar(
            "INSERT INTO tasks_queue (name, paused) VALUES ('default', true) ON CONFLICT (name) DO UPDATE SET paused = true"
        )
        backend.enqueue_many(noop, [((), {})] * count)
        scalar("UPDATE tasks_queue SET paused = false")
        scalar("SELECT count(*) FROM (SELECT pg_notify('tasks_' || worker_id, '') FROM tasks_sleeper) s")
        return rate(count)

    sample = 30_000
    with worker():
        go(sample)
        free = go(sample)
        with psycopg.connect(os.environ["BENCH_DATABASE_URL"]) as pin:
            pin.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            pin.execute("SELECT count(*) FROM tasks_queue").fetchone()
            go(number)
            held = go(sample)
        return {"unpinned": free, "pinned": held, "ratio": held / free}


@contextmanager
def worker_of_steps():  # type: ignore[no-untyped-def]
    """A worker that knows the measured pipeline, which no app of the settings declares."""
    code = "import bench.tasks.worker_of_steps"
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        until("SELECT count(*) > 0 FROM tasks_worker WHERE ended_at IS NULL")
        yield process
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
