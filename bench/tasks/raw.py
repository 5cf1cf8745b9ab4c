"""The limit: a bare psycopg loop of batch claim and batch complete, with nothing of a task queue in it."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import psycopg

from bench.tasks.spread import spread

# What a TaskResult of the tasks API has to be made of, and no more: no leases, no retries, no keys, no limits.
SCHEMA = """
DROP TABLE IF EXISTS raw_task, raw_done, raw_step;
CREATE TABLE raw_task (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, enqueued_at timestamptz DEFAULT clock_timestamp(),
    started_at timestamptz, worker bigint, attempt smallint DEFAULT 0, priority smallint, state smallint,
    queue text, path text, args text, kwargs text
) WITH (fillfactor = 50);
CREATE INDEX ON raw_task (queue, priority, id);
CREATE TABLE raw_done (
    id bigint, enqueued_at timestamptz, started_at timestamptz, finished_at timestamptz, worker bigint, attempt smallint,
    priority smallint, state smallint, queue text, path text, args text, kwargs text, result text
);
CREATE INDEX ON raw_done (id);
CREATE TABLE raw_step (run bigint, step int, output text, PRIMARY KEY (run, step));
"""
CLAIM = """
WITH c AS MATERIALIZED (
    SELECT id FROM raw_task WHERE queue = 'default' AND priority = 0 AND id > %s AND state = 0
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE raw_task t SET state = 1, worker = 1, attempt = attempt + 1, started_at = now() FROM c WHERE t.id = c.id
RETURNING t.id, t.path, t.args, t.kwargs, t.enqueued_at, t.attempt
"""
COMPLETE = """
WITH gone AS (
    DELETE FROM raw_task t USING unnest(%s::bigint[], %s::text[]) AS d (id, result) WHERE t.id = d.id
    RETURNING t.*, d.result
)
INSERT INTO raw_done
SELECT id, enqueued_at, started_at, now(), worker, attempt, priority, 2, queue, path, args, kwargs, result FROM gone
"""
INSERT = "INSERT INTO raw_task (queue, priority, state, path, args, kwargs) "


def main() -> None:
    url, what, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
        for setting in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_bitmapscan"):
            connection.execute(f"SET {setting} = off")
        if what != "hear":
            connection.execute(SCHEMA, prepare=False)
        print(json.dumps(globals()[what](connection, number)))


def process(connection: psycopg.Connection, number: int) -> dict[str, float]:
    started_at = wal(connection)
    began = time.perf_counter()
    connection.execute(
        INSERT + "SELECT 'default', 0, 0, 'bench.tasks.workload.noop', '[]', '{}' FROM generate_series(1, %s)",
        [number],
    )
    bulk_s = time.perf_counter() - began
    began = time.perf_counter()
    done = mark = 0
    while done < number:
        rows = connection.execute(CLAIM, [mark, 500]).fetchall()
        ids = [row[0] for row in rows]
        mark = max(ids)
        connection.execute(COMPLETE, [ids, [None] * len(ids)])
        done += len(ids)
    return {
        "process": number / (time.perf_counter() - began),
        "bulk": number / bulk_s,
        "wal": (wal(connection) - started_at) / number,
    }


def enqueue(connection: psycopg.Connection, number: int) -> dict[str, float]:
    began = time.perf_counter()
    for _ in range(number):
        connection.execute(
            INSERT + "VALUES ('default', 0, 0, %s, %s, %s) RETURNING id",
            ["bench.tasks.workload.noop", "[]", "{}"],
        ).fetchone()
    return {"enqueue": number / (time.perf_counter() - began)}


def latency(connection: psycopg.Connection, number: int) -> dict[str, float]:
    """From before the insert in one process until another, woken by NOTIFY, has claimed the row."""
    other = subprocess.Popen(
        [sys.executable, "-m", "bench.tasks.raw", sys.argv[1], "hear", str(number)], stdout=subprocess.PIPE
    )
    while not connection.execute("SELECT count(*) > 0 FROM pg_stat_activity WHERE query = 'LISTEN raw'").fetchone()[0]:  # type: ignore[index]
        time.sleep(0.05)
    commits_ms = []
    for _ in range(number):
        sent_at = time.time()
        connection.execute(
            "WITH added AS (" + INSERT + "VALUES ('default', 0, 0, %s, %s, %s)) SELECT pg_notify('raw', '')",
            ["bench.tasks.workload.noop", str(sent_at), "{}"],
        )
        commits_ms.append((time.time() - sent_at) * 1000)
        time.sleep(0.05)
    printed, _ = other.communicate(timeout=30)
    return spread(json.loads(printed), commits_ms)


def hear(connection: psycopg.Connection, number: int) -> list[float]:
    waits_ms: list[float] = []
    connection.execute("LISTEN raw")
    with psycopg.connect(sys.argv[1], autocommit=True, prepare_threshold=0) as claims:
        claims.execute("SET synchronous_commit = off")
        mark = 0
        while len(waits_ms) < number:
            for _ in connection.notifies(timeout=30, stop_after=1):
                pass
            for row in claims.execute(CLAIM, [mark, 10]).fetchall():
                mark = row[0]
                waits_ms.append((time.time() - float(row[2])) * 1000)
    return waits_ms


def steps(connection: psycopg.Connection, number: int) -> dict[str, float]:
    """Ten runs, each step of all ten committed together."""
    began = time.perf_counter()
    for step in range(number // 10):
        connection.execute("INSERT INTO raw_step SELECT unnest(%s::bigint[]), %s, '1'", [list(range(10)), step])
    return {"steps": number / (time.perf_counter() - began)}


def wal(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").fetchone()
    assert row is not None
    return int(row[0])


if __name__ == "__main__":
    main()
