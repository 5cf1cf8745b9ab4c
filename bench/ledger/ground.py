"""The ground that every way runs on: one durable server, the same accounts, the same unlock."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from mutoscope.engines.postgres.embedded import EmbeddedServer

VIEWERS = 10_000
CREATORS = 1_000
POINTS_EACH = 10**12
PLATFORM = VIEWERS + CREATORS + 1
HOT_CREATOR = PLATFORM + 1
SOURCE = HOT_CREATOR + 1

HERE = Path(__file__).parent


@contextlib.contextmanager
def server(**settings: str) -> Iterator[EmbeddedServer]:
    """A server with the ledger in it, and the accounts that every way uses."""
    with bare_server(**settings) as started:
        migrate(started)
        with psycopg.connect(started.url(), autocommit=True) as connection:
            furnish(connection)
        yield started


@contextlib.contextmanager
def bare_server(**settings: str) -> Iterator[EmbeddedServer]:
    """A server of our own with PostgreSQL's durability as it comes: fsync and synchronous_commit on."""
    home = Path(tempfile.mkdtemp(prefix="mutoscope-bench-"))
    home.chmod(0o755)
    defaults = {"max_wal_size": "8GB", "shared_buffers": "512MB", "checkpoint_timeout": "30min"}
    started = EmbeddedServer(home, settings={**defaults, **settings}, may_create_databases=True)
    started.start()
    try:
        yield started
    finally:
        started.stop()
        shutil.rmtree(home, ignore_errors=True)


def environment(started: EmbeddedServer) -> dict[str, str]:
    """What a process needs to be a Django project with the ledger alone, on that server."""
    return {**os.environ, "BENCH_DATABASE_URL": started.url(), "DJANGO_SETTINGS_MODULE": "bench.ledger.project"}


def migrate(started: EmbeddedServer) -> None:
    command = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
    subprocess.run(command, env=environment(started), cwd=HERE.parents[1], check=True)


def furnish(connection: psycopg.Connection) -> None:
    """Accounts 1..VIEWERS hold points, then creators, then the platform, a hot creator, and the source of points."""
    connection.execute((HERE / "limit.sql").read_text())
    connection.execute(
        f"""
        INSERT INTO ledger_opening (owner, kind, currency, may_go_negative)
        SELECT 'bench:' || n, CASE WHEN n <= {VIEWERS} THEN 'viewer' ELSE 'creator' END, 'PTS', false
        FROM generate_series(1, {VIEWERS + CREATORS}) n
        UNION ALL VALUES ('bench', 'platform', 'PTS', false), ('bench', 'creator', 'PTS', false), ('bench', 'issued', 'PTS', true);
        SELECT ledger_post_many(array_agg('fund:' || n), array_agg(NULL::integer), array_agg('{{}}'::jsonb), array_agg(NULL::timestamptz),
            (SELECT array_agg(m ORDER BY m, side) FROM generate_series(1, {VIEWERS}) m, (VALUES (1), (2)) s (side)),
            (SELECT array_agg(CASE side WHEN 1 THEN {SOURCE} ELSE m END ORDER BY m, side)
             FROM generate_series(1, {VIEWERS}) m, (VALUES (1), (2)) s (side)),
            (SELECT array_agg(CASE side WHEN 1 THEN -{POINTS_EACH} ELSE {POINTS_EACH} END ORDER BY m, side)
             FROM generate_series(1, {VIEWERS}) m, (VALUES (1), (2)) s (side)))
        FROM generate_series(1, {VIEWERS}) n;
        INSERT INTO limit_account SELECT n, {POINTS_EACH} FROM generate_series(1, {SOURCE}) n;
        """
    )
    connection.execute("ANALYZE")


# How large the ledgers are on which verify is timed: linear means that the last column stays the same.
VERIFIED_TRANSFERS = tuple(
    int(each) for each in os.environ.get("BENCH_TRANSFERS", "125000,250000,500000,1000000").split(",")
)


def verified(transfers: int) -> tuple[float, float]:
    """Seconds to seal and to verify a ledger of so many unlocks."""
    script = (
        "import django; django.setup()\n"
        "import time\n"
        "from mutoscope.engines.ledger.sealing import seal\n"
        "from mutoscope.engines.ledger.verification import verify\n"
        "began = time.monotonic(); seal(); sealed = time.monotonic()\n"
        "report = verify()\n"
        f"assert report.is_sound() and report.transfers >= {transfers}, report.as_dict()\n"
        "print(sealed - began, report.seconds)\n"
    )
    with server(synchronous_commit="off") as started:
        with psycopg.connect(started.url(), autocommit=True) as connection:
            for first in range(0, transfers - VIEWERS, 500):
                connection.execute(_MANY_UNLOCKS, {"first": first, "platform": PLATFORM, "viewers": VIEWERS})
            connection.execute("ANALYZE")
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=environment(started),
            cwd=HERE.parents[1],
            check=True,
            capture_output=True,
            text=True,
        )
    sealing, verifying = done.stdout.split()
    return float(sealing), float(verifying)


_MANY_UNLOCKS = """
INSERT INTO ledger_payment (key, payer, payee, amount, payee_2, amount_2, metadata)
SELECT 'bulk:' || n, 1 + n %% %(viewers)s, %(viewers)s + 1 + n %% 1000, 27, %(platform)s, 3, '{"video": 7}'
FROM generate_series(%(first)s::bigint, %(first)s + 499) n
"""
