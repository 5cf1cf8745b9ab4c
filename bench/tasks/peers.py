"""One measurement of one peer, run by the peers' own Python: `python peers.py PEER ROLE URL NUMBER`.

Roles: `setup`; `enqueue` and `bulk` print tasks a second; `worker` runs NUMBER tasks and prints the rate from the first to
the last, or, where they carry the time they were sent at, the median and 99th percentile of the wait; `send` enqueues
NUMBER tasks that carry it, one each 50 ms; `hang` one that never ends. Everything at the peer's own defaults but where a comment says so.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

PEER, ROLE, URL, NUMBER = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
PAUSE_S = 0.05
# As in spread.py.
WARM_UP = 10


class Tally:
    """Counts what the worker runs, and ends the process with the answer."""

    def __init__(self) -> None:
        self.count = 0
        self.first_at = 0.0
        self.waits: list[float] = []
        self.lock = threading.Lock()

    def add(self, sent_at: float | None = None) -> None:
        now = time.time()
        with self.lock:
            if not self.count:
                self.first_at = now
            self.count += 1
            if sent_at is not None:
                self.waits.append((now - sent_at) * 1000)
            if self.count == NUMBER:
                self.answer(now)

    def answer(self, now: float) -> None:
        if self.waits:
            waits = sorted(self.waits[WARM_UP:])
            answer = {"p50": waits[len(waits) // 2], "p99": waits[int(len(waits) * 0.99)]}
        else:
            answer = {"process": (self.count - 1) / (now - self.first_at)}
        print(json.dumps(answer), flush=True)
        os._exit(0)


TALLY = Tally()


def run_one(sent_at: float | None = None) -> None:
    """What every peer's task does. A negative time asks it to leave a line in a file, and to hang."""
    if sent_at is not None and sent_at < 0:
        with open(os.environ["BENCH_NOTES"], "a") as notes:
            notes.write("began\n")
        time.sleep(600)
    TALLY.add(sent_at)


def rate(name: str, work: Callable[[], Any], number: int) -> None:
    began = time.perf_counter()
    work()
    print(json.dumps({name: number / (time.perf_counter() - began)}))


def each(send: Callable[[float], Any]) -> None:
    for _ in range(NUMBER):
        send(time.time())
        time.sleep(PAUSE_S)


def procrastinate() -> None:
    import procrastinate as p

    connector = p.PsycopgConnector(conninfo=URL) if ROLE == "worker" else p.SyncPsycopgConnector(conninfo=URL)
    app = p.App(connector=connector)

    @app.task(name="noop")
    def noop(sent_at: float | None = None) -> None:
        run_one(sent_at)

    if ROLE == "worker":
        app.run_worker(install_signal_handlers=False)
        return
    with app.open():
        if ROLE == "setup":
            app.schema_manager.apply_schema()
        elif ROLE == "enqueue":
            rate("enqueue", lambda: [noop.defer() for _ in range(NUMBER)], NUMBER)
        elif ROLE == "bulk":
            rate("bulk", lambda: [noop.batch_defer(*[{} for _ in range(1000)]) for _ in range(NUMBER // 1000)], NUMBER)
        elif ROLE == "hang":
            noop.defer(sent_at=-1.0)
        else:
            each(lambda now: noop.defer(sent_at=now))


def pgqueuer() -> None:
    asyncio.run(_pgqueuer())


async def _pgqueuer() -> None:
    import asyncpg
    from pgqueuer import PgQueuer
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.queries import Queries

    parts = urlsplit(URL)
    connection = await asyncpg.connect(
        host=unquote(parts.netloc.partition("@")[2]), user=parts.username, database=parts.path[1:]
    )
    driver = AsyncpgDriver(connection)
    queries = Queries(driver)
    if ROLE == "setup":
        await queries.install()
    elif ROLE == "worker":
        queuer = PgQueuer(driver)

        @queuer.entrypoint("noop")
        async def noop(job: Any) -> None:
            sent_at = float(job.payload) if job.payload else None
            if sent_at is not None and sent_at < 0:
                await asyncio.to_thread(run_one, sent_at)
            else:
                run_one(sent_at)

        # Tuned: its default of 10 a batch gives about a quarter of this.
        await queuer.run(batch_size=100)
    elif ROLE == "hang":
        await queries.enqueue("noop", b"-1")
    elif ROLE == "send":
        for _ in range(NUMBER):
            await queries.enqueue("noop", str(time.time()).encode())
            await asyncio.sleep(PAUSE_S)
    else:
        began = time.perf_counter()
        if ROLE == "enqueue":
            for _ in range(NUMBER):
                await queries.enqueue("noop", None)
        else:
            for _ in range(NUMBER // 1000):
                await queries.enqueue(["noop"] * 1000, [None] * 1000, [0] * 1000)
        print(json.dumps({ROLE: NUMBER / (time.perf_counter() - began)}))


def django_tasks_db() -> None:
    import django
    from django.conf import settings

    parts = urlsplit(URL)
    settings.configure(
        SECRET_KEY="only for benchmarks",
        INSTALLED_APPS=["django_tasks", "django_tasks_db"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": parts.path[1:],
                "USER": parts.username,
                "HOST": unquote(parts.netloc.partition("@")[2]),
                "CONN_MAX_AGE": None,
            }
        },
        TASKS={"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}},
        USE_TZ=True,
    )
    django.setup()
    from django.core.management import call_command

    sys.modules["peers"] = sys.modules["__main__"]
    globals()["noop"] = django_noop()
    task: Any = globals()["noop"]
    if ROLE == "setup":
        call_command("migrate", verbosity=0)
    elif ROLE == "worker":
        call_command("db_worker", startup_delay=False, verbosity=0)
    elif ROLE == "enqueue":
        rate("enqueue", lambda: [task.enqueue() for _ in range(NUMBER)], NUMBER)
    elif ROLE == "hang":
        task.enqueue(-1.0)
    elif ROLE == "send":
        each(task.enqueue)


def django_noop() -> Any:
    from django_tasks import task

    def noop(sent_at: float | None = None) -> None:
        run_one(sent_at)

    noop.__qualname__, noop.__module__ = "noop", "peers"
    return task()(noop)


def dbos() -> None:
    from dbos import DBOS

    parts = urlsplit(URL)
    # SQLAlchemy wants a socket's folder as a parameter.
    url = f"postgresql://{parts.username}@{parts.path}?host={unquote(parts.netloc.partition('@')[2])}"
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR"})

    @DBOS.workflow()
    def noop(sent_at: float | None = None) -> None:
        run_one(sent_at)

    @DBOS.step()
    def one() -> int:
        return 1

    @DBOS.workflow()
    def chain(count: int) -> None:
        for _ in range(count):
            one()

    if ROLE != "worker":
        # Enqueue only: this process shall not run what it enqueues.
        DBOS.listen_queues([])
    DBOS.launch()
    queue = DBOS.register_queue("bench")
    if ROLE == "setup":
        pass
    elif ROLE == "worker":
        time.sleep(600)
    elif ROLE == "enqueue":
        rate("enqueue", lambda: [queue.enqueue(noop) for _ in range(NUMBER)], NUMBER)
    elif ROLE == "hang":
        queue.enqueue(noop, -1.0)
    elif ROLE == "send":
        each(lambda now: queue.enqueue(noop, now))
    elif ROLE == "steps":
        handles: list[Any] = []

        def run() -> None:
            handles.extend(DBOS.start_workflow(chain, NUMBER // 10) for _ in range(10))
            for handle in handles:
                handle.get_result()

        rate("steps", run, NUMBER)
    os._exit(0)


def celery() -> None:
    from celery import Celery

    app = Celery("bench", broker=URL, backend=URL)
    app.conf.broker_connection_retry_on_startup = True
    # Or the answer would be taken for a line of its log.
    app.conf.worker_redirect_stdouts = False

    @app.task(name="noop")
    def noop(sent_at: float | None = None) -> None:
        run_one(sent_at)

    if ROLE == "worker":
        # Threads, so that one process counts; its default of processes is no faster at nothing on two cores.
        app.worker_main(
            ["worker", "-P", "threads", "-c", "4", "--loglevel", "ERROR", "--without-mingle", "--without-gossip"]
        )
    elif ROLE == "enqueue":
        rate("enqueue", lambda: [noop.delay() for _ in range(NUMBER)], NUMBER)
    elif ROLE == "hang":
        noop.delay(-1.0)
    elif ROLE == "send":
        each(noop.delay)


if __name__ == "__main__":
    globals()[PEER]()
