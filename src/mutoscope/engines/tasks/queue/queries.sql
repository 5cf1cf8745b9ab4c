-- Enqueue, look at and operate on tasks. All of it runs on the caller's own Django connection, in the caller's
-- transaction.
--
-- Times are read as text where they are read for every task: psycopg's own reading takes ten times as long.

-- name: enqueue
-- One new task. Wakes at most one sleeping worker: NOTIFY takes a lock on the whole database at commit, so it is sent
-- only when someone would hear it.
INSERT INTO tasks_task (queue, path, priority, args, kwargs, run_at, deferred, limit_key, limit_max)
VALUES (%(queue)s, %(path)s, %(priority)s, %(args)s, %(kwargs)s, %(run_at)s::timestamptz,
        COALESCE(%(run_at)s::timestamptz > statement_timestamp(), false), %(limit_key)s, %(limit_max)s)
RETURNING id, enqueued_at::text,
          (SELECT pg_notify('tasks_' || worker_id, '') FROM tasks_sleeper
           WHERE queue = %(queue)s AND NOT tasks_task.deferred ORDER BY random() LIMIT 1)

-- name: enqueue_unique_keep
-- One new task unless one waits under its key; no row then. Waits for a transaction that holds the key uncommitted.
WITH added AS (
    INSERT INTO tasks_task (queue, path, priority, args, kwargs, run_at, deferred, limit_key, limit_max,
                            unique_key, unique_name)
    VALUES (%(queue)s, %(path)s, %(priority)s, %(args)s, %(kwargs)s, %(run_at)s::timestamptz,
            COALESCE(%(run_at)s::timestamptz > statement_timestamp(), false), %(limit_key)s, %(limit_max)s,
            %(unique_key)s, %(unique_key)s)
    ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO NOTHING
    RETURNING id, enqueued_at, deferred
)
SELECT id, enqueued_at::text,
       (SELECT pg_notify('tasks_' || worker_id, '') FROM tasks_sleeper
        WHERE queue = %(queue)s AND NOT added.deferred ORDER BY random() LIMIT 1)
FROM added

-- name: enqueue_unique_replace
-- One new task, or the waiting one under its key with the new arguments, priority and time.
WITH added AS (
    INSERT INTO tasks_task (queue, path, priority, args, kwargs, run_at, deferred, limit_key, limit_max,
                            unique_key, unique_name)
    VALUES (%(queue)s, %(path)s, %(priority)s, %(args)s, %(kwargs)s, %(run_at)s::timestamptz,
            COALESCE(%(run_at)s::timestamptz > statement_timestamp(), false), %(limit_key)s, %(limit_max)s,
            %(unique_key)s, %(unique_key)s)
    ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO UPDATE SET
        queue = excluded.queue, path = excluded.path, priority = excluded.priority, args = excluded.args,
        kwargs = excluded.kwargs, run_at = excluded.run_at, deferred = excluded.deferred,
        limit_key = excluded.limit_key, limit_max = excluded.limit_max
    RETURNING id, enqueued_at, deferred
)
SELECT id, enqueued_at::text,
       (SELECT pg_notify('tasks_' || worker_id, '') FROM tasks_sleeper
        WHERE queue = %(queue)s AND NOT added.deferred ORDER BY random() LIMIT 1)
FROM added

-- name: enqueue_many
-- Many tasks of one kind; the arrays are their arguments. Wakes up to that many sleepers. Rows come in no order.
WITH added AS (
    INSERT INTO tasks_task (queue, path, priority, args, kwargs, run_at, deferred)
    SELECT %(queue)s, %(path)s, %(priority)s, given.args, given.kwargs, %(run_at)s::timestamptz,
           COALESCE(%(run_at)s::timestamptz > statement_timestamp(), false)
    FROM unnest(%(args)s::text[], %(kwargs)s::text[]) AS given (args, kwargs)
    RETURNING id
)
SELECT array_agg(id ORDER BY id) FROM added

-- name: wake
-- Wake up to so many workers that sleep on the queue; they hear it when this transaction commits.
SELECT pg_notify('tasks_' || worker_id, '') FROM tasks_sleeper WHERE queue = %(queue)s ORDER BY random() LIMIT %(count)s

-- name: find_by_unique_key
SELECT id FROM tasks_task WHERE unique_key = %(unique_key)s

-- name: result
-- One task wherever it is now: live or finished. At most one row, since a task leaves one table as it enters the other.
SELECT id, queue, path, priority, args, kwargs, enqueued_at, run_at, started_at, attempted_at, NULL::timestamptz AS finished_at,
       CASE WHEN worker_id IS NULL THEN 0 ELSE -1 END AS status, worker_id, attempt, NULL::text AS result,
       NULL::text AS error, past, progress, progress_note
FROM tasks_task WHERE id = %(id)s
UNION ALL
SELECT id, queue, path, priority, args, kwargs, enqueued_at, NULL, started_at, attempted_at, finished_at,
       status, worker_id, attempt, result, error, past, NULL, NULL
FROM tasks_finished WHERE id = %(id)s

-- name: cancel_waiting
-- A task that waits ends here, unless a worker took it first. At most one row.
WITH gone AS (
    DELETE FROM tasks_task WHERE id = %(id)s AND worker_id IS NULL RETURNING *
)
INSERT INTO tasks_finished (id, enqueued_at, started_at, attempted_at, finished_at, worker_id, status, attempt, priority,
                            limit_max, queue, path, args, kwargs, error, past, limit_key, run_id)
SELECT id, enqueued_at, started_at, attempted_at, clock_timestamp(), NULL, 3, attempt, priority,
       limit_max, queue, path, args, kwargs, %(error)s, past, limit_key, run_id
FROM gone
RETURNING id

-- name: ask_to_cancel
-- A task that runs is asked to stop; its worker hears it at once, or reads it with its next heartbeat.
WITH asked AS (
    UPDATE tasks_task SET cancel_requested = true WHERE id = %(id)s AND worker_id IS NOT NULL RETURNING id, worker_id
)
SELECT pg_notify('tasks_' || worker_id, 'cancel ' || id) FROM asked

-- name: retry_finished
-- Dead letters become waiting tasks again under their own ids, with their history and fresh attempts to come. The run of a
-- pipeline that one of them stopped goes on.
WITH back AS (
    DELETE FROM tasks_finished WHERE id = ANY(%(ids)s) AND status IN (2, 3, 4) RETURNING *
), going AS (
    UPDATE tasks_run r SET state = 'RUNNING', error = NULL, ended_at = NULL
    FROM back b WHERE r.id = b.run_id AND r.state IN ('FAILED', 'CANCELLED')
)
INSERT INTO tasks_task (id, enqueued_at, priority, limit_max, queue, path, args, kwargs, past, limit_key, run_id)
SELECT id, enqueued_at, priority, limit_max, queue, path, args, kwargs,
       CASE WHEN error IS NULL THEN past ELSE
           (COALESCE(past, '[]')::jsonb || jsonb_build_object('worker', worker_id, 'error', error::json))::text END,
       limit_key, run_id
FROM back
RETURNING id, queue

-- name: drop_finished
DELETE FROM tasks_finished WHERE id = ANY(%(ids)s) RETURNING id

-- name: run_now
-- A task that waits for its time may run now.
UPDATE tasks_task SET deferred = false WHERE id = ANY(%(ids)s) AND deferred RETURNING id, queue

-- name: purge_waiting
-- Drop every waiting task of a queue, at most so many at once. Those that run are left alone.
DELETE FROM tasks_task WHERE id IN (
    SELECT id FROM tasks_task WHERE queue = %(queue)s AND worker_id IS NULL LIMIT %(count)s FOR UPDATE SKIP LOCKED
)

-- name: set_paused
INSERT INTO tasks_queue (name, paused) VALUES (%(queue)s, %(paused)s)
ON CONFLICT (name) DO UPDATE SET paused = excluded.paused

-- name: set_running_max
INSERT INTO tasks_queue (name, running_max) VALUES (%(queue)s, %(running_max)s)
ON CONFLICT (name) DO UPDATE SET running_max = excluded.running_max

-- name: depths
-- How full each queue is. Reads every live task, once for the whole answer.
SELECT queue,
       count(*) FILTER (WHERE worker_id IS NULL AND NOT deferred) AS ready,
       count(*) FILTER (WHERE deferred) AS deferred,
       count(*) FILTER (WHERE worker_id IS NOT NULL) AS running,
       COALESCE(extract(epoch FROM clock_timestamp() - min(enqueued_at) FILTER (WHERE worker_id IS NULL AND NOT deferred)), 0)::float8
FROM tasks_task GROUP BY queue

-- name: tallies
SELECT COALESCE(sum(succeeded), 0)::bigint, COALESCE(sum(failed), 0)::bigint, COALESCE(sum(retried), 0)::bigint,
       COALESCE(sum(refused), 0)::bigint, count(*) FILTER (WHERE ended_at IS NULL),
       count(*) FILTER (WHERE state = 'LOST')
FROM tasks_worker

-- name: dead
SELECT queue, count(*) FROM tasks_finished WHERE status = 2 GROUP BY queue
