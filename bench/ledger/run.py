"""The ledger's tables: pure SQL by pgbench, through Python with 16 processes, with a slow disk, in bulk, and `verify`.

BENCH_SECONDS (default 8) and BENCH_ROUNDS (default 3) say how long each measurement takes and how often it is repeated; rounds are
interleaved, and the median of each is printed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from bench.ledger import by_pgbench, by_python
from bench.ledger.ground import HERE, VERIFIED_TRANSFERS, environment, server, verified

SECONDS = int(os.environ.get("BENCH_SECONDS", "8"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
# Makes each commit wait for a millisecond, as on a disk that takes that long to flush.
SLOW_DISK = {"commit_delay": "1000", "commit_siblings": "0"}


def by_sql(title: str, reach: str, **settings: str) -> None:
    with server(**settings) as started:
        seen: dict[tuple[str, str], list[by_pgbench.Measured]] = {name: [] for name in by_pgbench.SCRIPTS}
        for _ in range(ROUNDS):
            for name, script in by_pgbench.SCRIPTS.items():
                seen[name].append(by_pgbench.measure(started, script, SECONDS))
    print(f"\n### ledger: {title}\n\nReach: {reach}\n")
    print("| way | creators | unlocks/s | p99 ms | of the limit |\n|---|---|---|---|---|")
    for (way, where), figures in seen.items():
        rate = statistics.median(each.per_second for each in figures)
        late = statistics.median(each.p99_ms for each in figures)
        pairs = zip(figures, seen["limit", where], strict=True)
        share = statistics.median(mine.per_second / limit.per_second for mine, limit in pairs)
        print(f"| {way} | {where} | {rate:,.0f} | {late:.1f} | {share:.2f} |")
    pairs = zip(seen["ours", "hot"], seen["ours", "many"], strict=True)
    print(f"\nours, hot / many: {statistics.median(hot.per_second / many.per_second for hot, many in pairs):.2f}")


def through_python() -> None:
    ways = [
        ("bare", "many"),
        ("ours", "many"),
        ("ours", "hot"),
        ("ours with row", "many"),
        ("ours+row", "many"),
        ("naive", "many"),
        ("bulk", "many"),
    ]
    peers = [("guarded", "many"), ("plain", "many")]
    seen: dict[tuple[str, str], list[float]] = {way: [] for way in [*ways, *peers]}
    with server() as started:
        for setup in (
            [sys.executable, "-m", "bench.ledger.naive_setup"],
            [by_python.peer_python(), HERE / "hordak_client.py", "setup"],
        ):
            subprocess.run(setup, env=environment(started), cwd=HERE.parents[1], check=True)
        for _ in range(ROUNDS):
            for way, where in ways:
                seen[way, where].append(by_python.ours(started, way, where, SECONDS))
            for way, where in peers:
                seen[way, where].append(by_python.hordak(started, way, SECONDS))
    print("\n### ledger: through Python, 16 processes\n")
    print("Reach: ours >= 0.7 x the bare call and >= 10 x hordak; hot >= 0.9 x many; bulk >= 15,000/s\n")
    print("| way | creators | unlocks/s | x bare call | x hordak |\n|---|---|---|---|---|")
    names = {
        "bare": "bare function call from Django",
        "ours": "ours, `post()`",
        "ours with row": "ours, `post_with()` a row",
        "ours+row": "ours, `post()` and a row in one transaction",
        "bulk": "ours, `post_each()` of 100",
        "naive": "naive `select_for_update`",
        "guarded": "django-hordak, no overdraft, and a row",
        "plain": "django-hordak as it is",
    }
    middle = {way: statistics.median(figures) for way, figures in seen.items()}
    for (way, where), rate in middle.items():
        against = rate / middle["bare", "many"], rate / middle["guarded", "many"]
        print(f"| {names[way]} | {where} | {rate:,.0f} | {against[0]:.2f} | {against[1]:.1f} |")
    print(f"\nours, hot / many: {middle['ours', 'hot'] / middle['ours', 'many']:.2f}")


def verify_table() -> None:
    print("\n### ledger: verify\n\n| transfers | seal s | verify s | µs a transfer |\n|---|---|---|---|")
    for transfers in VERIFIED_TRANSFERS:
        sealing, verifying = verified(transfers)
        print(f"| {transfers:,} | {sealing:.1f} | {verifying:.1f} | {verifying / transfers * 1e6:.1f} |")


def main() -> None:
    parts = os.environ.get("BENCH_PARTS", "sql,disk,python,verify").split(",")
    if "sql" in parts:
        by_sql("pure SQL by pgbench, 16 clients", "ours >= 0.75 of the limit; hot >= 0.9 of many")
    if "disk" in parts:
        by_sql(
            "the same with a disk of 1 ms (commit_delay)",
            "hot >= 0.75 of the limit, which has sub-balances",
            **SLOW_DISK,
        )
    if "python" in parts:
        through_python()
    if "verify" in parts:
        verify_table()
