"""Numbers a second: `nextval` for each id, UUIDv7, gapless, and leased blocks, all in one run."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 5
IDS = 2_000_000
PROCESSES = 16


def _setup(url: str) -> None:
    from django.conf import settings

    from mutoscope.engines.postgres.conninfo import database_settings

    if not settings.configured:
        known = {**database_settings(url), "CONN_MAX_AGE": None}
        settings.configure(
            SECRET_KEY="bench",
            INSTALLED_APPS=["mutoscope.engines.sequences"],
            USE_TZ=True,
            DATABASES={"default": known},
        )
        import django

        django.setup()


def _rate(way: Callable[[int], None], count: int) -> float:
    began = time.perf_counter()
    way(count)
    return count / (time.perf_counter() - began)


def _one_of_many(url: str, count: int, start: Any, done: Any) -> None:
    _setup(url)
    from mutoscope.engines.sequences import LeasedSequence

    sequence = LeasedSequence("bench-many")
    take = sequence.next
    for _ in range(10_000):
        take()
    start.wait()
    began = time.time()
    for _ in range(count):
        take()
    done.put((began, time.time()))
    sequence.close()


def _many_processes(url: str) -> float:
    context = multiprocessing.get_context("spawn")
    start, done = context.Barrier(PROCESSES), context.Queue()
    processes = [context.Process(target=_one_of_many, args=(url, IDS // 2, start, done)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    spans = [done.get() for _ in processes]
    for process in processes:
        process.join()
    return PROCESSES * (IDS // 2) / (max(end for _, end in spans) - min(began for began, _ in spans))


def _percentile() -> float:
    """p99.99 of one call in milliseconds, with blocks that grow and are fetched ahead."""
    from mutoscope.engines.sequences import LeasedSequence

    sequence = LeasedSequence("bench-latency")
    clock, take = time.perf_counter_ns, sequence.next
    for _ in range(200_000):
        take()
    seen = []
    for _ in range(1_000_000):
        began = clock()
        take()
        seen.append(clock() - began)
    sequence.close()
    seen.sort()
    return seen[int(len(seen) * 0.9999)] / 1e6


def main() -> None:
    from bench.ledger.ground import bare_server

    with bare_server() as started:
        url = started.url()
        _setup(url)
        from django.core.management import call_command
        from django.db import connection, transaction

        from mutoscope.engines.sequences import GaplessSequence, LeasedSequence

        call_command("migrate", verbosity=0)
        import psycopg
        import uuid_utils

        leased, fixed = LeasedSequence("bench"), LeasedSequence("bench-fixed", block=1000)
        gapless = GaplessSequence("bench")
        with psycopg.connect(url, autocommit=True) as peer:
            peer.execute("CREATE SEQUENCE bench_peer")

            def nextval(count: int) -> None:
                for _ in range(count):
                    peer.execute("SELECT nextval('bench_peer')").fetchone()

            def by_uuid(count: int) -> None:
                for _ in range(count):
                    uuid_utils.uuid7()

            def by_lease(count: int) -> None:
                take = leased.next
                for _ in range(count):
                    take()

            def by_fixed(count: int) -> None:
                take = fixed.next
                for _ in range(count):
                    take()

            def by_hundreds(count: int) -> None:
                for _ in range(count // 100):
                    leased.take(100)

            def by_gapless(count: int) -> None:
                for _ in range(count):
                    with transaction.atomic():
                        gapless.next()

            ways = {
                "nextval per id (psycopg)": (nextval, 5_000),
                "UUIDv7 (uuid-utils)": (by_uuid, 300_000),
                "gapless, one transaction each": (by_gapless, 500),
                "leased, blocks of 1,000": (by_fixed, 500_000),
                "leased, adaptive blocks": (by_lease, IDS),
                "leased, `take(100)`": (by_hundreds, IDS),
            }
            seen: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(ROUNDS):
                for name, (way, count) in ways.items():
                    seen[name].append(_rate(way, count))
        many = _many_processes(url)
        late = _percentile()
        leased.close()
        fixed.close()
        connection.close()
    base = statistics.median(seen["nextval per id (psycopg)"])
    print("\n### sequences: ids a second (reach: leased >= 2,000,000 and >= 80 x nextval; 16 processes >= 3,000,000)\n")
    print("| way | ids/s | x nextval |\n|---|---|---|")
    for name, figures in seen.items():
        print(f"| {name} | {statistics.median(figures):,.0f} | {statistics.median(figures) / base:.1f} |")
    print(f"| leased, {PROCESSES} processes at once | {many:,.0f} | {many / base:.1f} |")
    print(f"\np99.99 of one call: {late:.3f} ms (reach: 0.5)")
