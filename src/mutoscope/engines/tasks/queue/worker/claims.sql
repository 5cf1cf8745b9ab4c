-- What a worker says to the database, on its own connection. A worker's right to a task is (worker_id, lease): lease
-- grows with each claim, worker_id is cleared when the right ends, and every statement that ends or returns a task
-- names both. No lock is waited for: rows are taken with SKIP LOCKED, or belong to this worker already.
--
-- Rows are named by `id = ANY(...)`, even where a join says the same. A prepared statement keeps the plan it got when the
-- table held ten rows, and for ten rows the planner would rather read the whole index than look into it ten times; an array
-- is the one condition that it has no other way to meet than by looking up each of its elements.

-- name: register
WITH queues AS (
    INSERT INTO tasks_queue (name) SELECT unnest(%(queue_names)s::text[]) ON CONFLICT DO NOTHING
)
INSERT INTO tasks_worker (name, queues, concurrency) VALUES (%(name)s, %(queues)s, %(concurrency)s)
RETURNING id, clock_timestamp()

-- name: finish_and_claim
-- End up to a thousand tasks and claim the next ones, one round trip. kind 1: a claimed task. kind 0: how many were
-- ended, and in place of kwargs, when some were not, which ones.
-- `lanes` are (queue, priority, mark): nothing up to a lane's mark is looked at, so that rows which are deleted but
-- still visible to some old transaction are not walked over again and again.
WITH done AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(leases)s::int[], %(statuses)s::smallint[], %(run_us)s::bigint[],
                         %(results)s::text[], %(errors)s::text[]) AS d (id, lease, status, run_us, result, error)
), gone AS (
    DELETE FROM tasks_task t USING done d
    WHERE t.id = ANY(%(ids)s::bigint[]) AND t.id = d.id AND t.lease = d.lease AND t.worker_id = %(worker_id)s
    RETURNING t.id, t.enqueued_at, t.started_at, t.attempted_at, d.run_us, d.status, t.attempt, t.priority,
              t.limit_max, t.queue, t.path, t.args, t.kwargs, d.result, d.error, t.past, t.limit_key,
              t.run_id
), kept AS (
    INSERT INTO tasks_finished (id, enqueued_at, started_at, attempted_at, finished_at, worker_id, run_us, status,
                                attempt, priority, limit_max, queue, path, args, kwargs, result, error, past, limit_key,
                                run_id)
    SELECT id, enqueued_at, started_at, attempted_at, statement_timestamp(), %(worker_id)s, run_us, status,
           attempt, priority, limit_max, queue, path, args, kwargs, result, error, past, limit_key, run_id
    FROM gone
    RETURNING id
), candidate AS MATERIALIZED (
    SELECT waiting.id
    FROM (
        SELECT l.queue, l.priority, l.mark
        FROM unnest(%(lane_queues)s::text[], %(lane_priorities)s::smallint[], %(lane_marks)s::bigint[])
                 AS l (queue, priority, mark)
        WHERE NOT EXISTS (SELECT 1 FROM tasks_queue q
                          WHERE q.name = l.queue AND (q.paused OR q.running_max IS NOT NULL))
        -- Asked once for a lane, not once for a task.
        OFFSET 0
    ) AS lane
    CROSS JOIN LATERAL (
        SELECT t.id FROM tasks_task t
        WHERE t.queue = lane.queue AND t.priority = lane.priority AND t.id > lane.mark
          AND NOT t.deferred AND t.limit_key IS NULL AND t.worker_id IS NULL
        ORDER BY t.id LIMIT %(count)s FOR UPDATE SKIP LOCKED
    ) AS waiting
    LIMIT %(count)s
), claimed AS (
    UPDATE tasks_task t
    SET worker_id = %(worker_id)s, lease = t.lease + 1, attempt = t.attempt + 1, unique_key = NULL,
        attempted_at = statement_timestamp(), started_at = COALESCE(t.started_at, statement_timestamp())
    WHERE t.id = ANY(ARRAY(SELECT id FROM candidate))
    RETURNING t.id, t.lease, t.attempt, t.queue, t.priority, t.path, t.args, t.kwargs, t.past, t.unique_name,
              t.enqueued_at::text, t.started_at::text
)
SELECT 1 AS kind, id, lease, attempt, queue, priority, path, args, kwargs, past, unique_name, enqueued_at, started_at
FROM claimed
UNION ALL
SELECT 0, count(*), 0, 0::smallint, '', 0::smallint, '', '',
       CASE WHEN count(*) < cardinality(%(ids)s::bigint[]) THEN COALESCE(string_agg(id::text, ','), '') ELSE '' END,
       NULL, NULL, NULL, NULL
FROM kept

-- name: finish
-- The first half alone; gives back the places that limited tasks held as well.
WITH done AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(leases)s::int[], %(statuses)s::smallint[], %(run_us)s::bigint[],
                         %(results)s::text[], %(errors)s::text[]) AS d (id, lease, status, run_us, result, error)
), gone AS (
    DELETE FROM tasks_task t USING done d
    WHERE t.id = ANY(%(ids)s::bigint[]) AND t.id = d.id AND t.lease = d.lease AND t.worker_id = %(worker_id)s
    RETURNING t.id, t.enqueued_at, t.started_at, t.attempted_at, d.run_us, d.status, t.attempt, t.priority,
              t.limit_max, t.queue, t.path, t.args, t.kwargs, d.result, d.error, t.past, t.limit_key,
              t.run_id
), freed AS (
    DELETE FROM tasks_slot WHERE task_id = ANY(ARRAY(SELECT id FROM gone))
)
INSERT INTO tasks_finished (id, enqueued_at, started_at, attempted_at, finished_at, worker_id, run_us, status,
                            attempt, priority, limit_max, queue, path, args, kwargs, result, error, past, limit_key,
                                run_id)
SELECT id, enqueued_at, started_at, attempted_at, statement_timestamp(), %(worker_id)s, run_us, status,
       attempt, priority, limit_max, queue, path, args, kwargs, result, error, past, limit_key, run_id
FROM gone
RETURNING id

-- name: claim
-- The whole scan: finds every priority, and whatever came in behind a mark. Strict priority within a queue; queues in
-- the order given, which the worker turns. Does not wait for the disk: a claim lost in a server's crash is one more try.
WITH soft AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
), candidate AS MATERIALIZED (
    SELECT waiting.id
    FROM (
        SELECT l.queue FROM unnest(%(queues)s::text[]) AS l (queue)
        WHERE NOT EXISTS (SELECT 1 FROM tasks_queue q
                          WHERE q.name = l.queue AND (q.paused OR q.running_max IS NOT NULL))
          AND EXISTS (SELECT 1 FROM soft)
        OFFSET 0
    ) AS lane
    CROSS JOIN LATERAL (
        SELECT t.id FROM tasks_task t
        WHERE t.queue = lane.queue AND NOT t.deferred AND t.limit_key IS NULL AND t.worker_id IS NULL
        ORDER BY t.priority DESC, t.id LIMIT %(count)s FOR UPDATE SKIP LOCKED
    ) AS waiting
    LIMIT %(count)s
)
UPDATE tasks_task t
SET worker_id = %(worker_id)s, lease = t.lease + 1, attempt = t.attempt + 1, unique_key = NULL,
    attempted_at = statement_timestamp(), started_at = COALESCE(t.started_at, statement_timestamp())
WHERE t.id = ANY(ARRAY(SELECT id FROM candidate))
RETURNING 1 AS kind, t.id, t.lease, t.attempt, t.queue, t.priority, t.path, t.args, t.kwargs, t.past, t.unique_name,
          t.enqueued_at::text, t.started_at::text

-- name: lock_limits
-- Take, for this transaction, the right to count running tasks under each name that has waiting ones: limit keys and
-- limited queues. Names are walked by index, a hundred after the last one seen. In a statement of its own, because the
-- count must not be read from a snapshot older than the lock.
WITH RECURSIVE key (name) AS (
    (SELECT limit_key FROM tasks_task
     WHERE NOT deferred AND limit_key IS NOT NULL AND limit_key > %(after)s ORDER BY limit_key LIMIT 1)
    UNION ALL
    SELECT (SELECT t.limit_key FROM tasks_task t
            WHERE NOT t.deferred AND t.limit_key IS NOT NULL AND t.limit_key > key.name ORDER BY t.limit_key LIMIT 1)
    FROM key WHERE key.name IS NOT NULL
), named AS MATERIALIZED (
    (SELECT 'key' AS kind, name FROM key WHERE name IS NOT NULL LIMIT 100)
    UNION ALL
    SELECT 'queue', name FROM tasks_queue WHERE running_max IS NOT NULL AND NOT paused AND name = ANY(%(queues)s)
)
SELECT kind, name, pg_try_advisory_xact_lock(%(lock_class)s, hashtext(kind || ' ' || name)) FROM named

-- name: claim_limited
-- Claim as many as have a free place under their key, and in their queue where that is limited too. A task found but
-- not placed stays locked until this transaction ends, and no longer.
WITH keyed AS MATERIALIZED (
    SELECT waiting.id, waiting.queue, waiting.priority, waiting.limit_key
    FROM unnest(%(keys)s::text[]) AS key (name)
    CROSS JOIN LATERAL (
        SELECT t.limit_max FROM tasks_task t
        WHERE t.limit_key = key.name AND NOT t.deferred ORDER BY t.priority DESC, t.id LIMIT 1
    ) AS head
    CROSS JOIN LATERAL (
        SELECT t.id, t.queue, t.priority, t.limit_key FROM tasks_task t
        WHERE t.limit_key = key.name AND NOT t.deferred AND t.worker_id IS NULL AND t.queue = ANY(%(queues)s)
          AND NOT EXISTS (SELECT 1 FROM tasks_queue q WHERE q.name = t.queue AND q.paused)
        ORDER BY t.priority DESC, t.id
        LIMIT GREATEST(0, head.limit_max - (SELECT count(*) FROM tasks_slot s WHERE s.name = 'key ' || key.name))
        FOR UPDATE SKIP LOCKED
    ) AS waiting
), plain AS MATERIALIZED (
    SELECT waiting.id, waiting.queue, waiting.priority, NULL::text AS limit_key
    FROM unnest(%(limited_queues)s::text[]) AS held (name)
    JOIN tasks_queue q ON q.name = held.name AND NOT q.paused
    CROSS JOIN LATERAL (
        SELECT t.id, t.queue, t.priority FROM tasks_task t
        WHERE t.queue = held.name AND NOT t.deferred AND t.limit_key IS NULL AND t.worker_id IS NULL
        ORDER BY t.priority DESC, t.id LIMIT GREATEST(0, LEAST(q.running_max, %(count)s)) FOR UPDATE SKIP LOCKED
    ) AS waiting
), ranked AS (
    SELECT found.*, row_number() OVER (PARTITION BY found.queue ORDER BY found.priority DESC, found.id) AS place
    FROM (SELECT * FROM keyed UNION ALL SELECT * FROM plain) AS found
), placed AS MATERIALIZED (
    SELECT r.id, r.queue, r.limit_key, q.running_max
    FROM ranked r LEFT JOIN tasks_queue q ON q.name = r.queue AND q.running_max IS NOT NULL
    WHERE q.name IS NULL
       OR (r.queue = ANY(%(limited_queues)s)
           AND r.place <= q.running_max - (SELECT count(*) FROM tasks_slot s WHERE s.name = 'queue ' || r.queue))
    ORDER BY r.priority DESC, r.id
    LIMIT %(count)s
), occupied AS (
    INSERT INTO tasks_slot (name, task_id)
    SELECT 'key ' || limit_key, id FROM placed WHERE limit_key IS NOT NULL
    UNION ALL
    SELECT 'queue ' || queue, id FROM placed WHERE running_max IS NOT NULL
)
UPDATE tasks_task t
SET worker_id = %(worker_id)s, lease = t.lease + 1, attempt = t.attempt + 1, unique_key = NULL,
    attempted_at = statement_timestamp(), started_at = COALESCE(t.started_at, statement_timestamp())
WHERE t.id = ANY(ARRAY(SELECT id FROM placed))
RETURNING 1 AS kind, t.id, t.lease, t.attempt, t.queue, t.priority, t.path, t.args, t.kwargs, t.past, t.unique_name,
          t.enqueued_at::text, t.started_at::text

-- name: advance
-- Steps of pipeline runs: write the checkpoint of the unit that ended and turn its task into the next unit's, which this
-- worker goes on with under a new lease. Many runs share one statement and one flush. A task that was cancelled, or is
-- ours no longer, does not move.
WITH step AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(leases)s::int[], %(run_ids)s::bigint[], %(units)s::text[], %(items)s::text[],
                         %(outputs)s::text[], %(versions)s::smallint[], %(attempts)s::smallint[], %(run_us)s::bigint[],
                         %(following)s::text[])
        AS s (id, lease, run_id, unit, item, output, version, attempt, run_us, following)
), moved AS (
    UPDATE tasks_task t
    SET lease = t.lease + 1, attempt = 1, lost = 0, past = NULL, progress = NULL, progress_note = NULL,
        kwargs = s.following, attempted_at = statement_timestamp()
    FROM step s
    WHERE t.id = ANY(%(ids)s::bigint[]) AND t.id = s.id AND t.lease = s.lease AND t.worker_id = %(worker_id)s
      AND NOT t.cancel_requested
    RETURNING t.id, t.lease, s.run_id, s.unit, s.item, s.output, s.version, s.attempt, s.run_us
), kept AS (
    INSERT INTO tasks_unit (run_id, unit, item, output, version, attempt, task_id, worker_id, started_at, finished_at)
    SELECT run_id, unit, item, output, version, attempt, id, %(worker_id)s,
           statement_timestamp() - run_us * interval '1 microsecond', statement_timestamp()
    FROM moved
    ON CONFLICT DO NOTHING
)
SELECT id, lease FROM moved

-- name: conclude
-- Last steps of pipeline runs: write the checkpoint, end the run and its task. Many runs share one statement and one flush.
-- Locks runs, then tasks, as whoever cancels a run does; a run is locked by others only while someone cancels or resumes it.
WITH step AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(leases)s::int[], %(run_ids)s::bigint[], %(units)s::text[], %(items)s::text[],
                         %(outputs)s::text[], %(versions)s::smallint[], %(attempts)s::smallint[], %(run_us)s::bigint[])
        AS s (id, lease, run_id, unit, item, output, version, attempt, run_us)
), run AS MATERIALIZED (
    SELECT id FROM tasks_run WHERE id = ANY(%(run_ids)s::bigint[]) ORDER BY id FOR UPDATE
), gone AS (
    DELETE FROM tasks_task t USING step s JOIN run ON run.id = s.run_id
    WHERE t.id = ANY(%(ids)s::bigint[]) AND t.id = s.id AND t.lease = s.lease AND t.worker_id = %(worker_id)s
      AND NOT t.cancel_requested
    RETURNING t.id, t.enqueued_at, t.started_at, t.attempted_at, t.priority, t.limit_max, t.queue, t.path, t.args, t.kwargs,
              t.past, t.limit_key, s.run_id, s.unit, s.item, s.output, s.version, s.attempt, s.run_us
), kept AS (
    INSERT INTO tasks_unit (run_id, unit, item, output, version, attempt, task_id, worker_id, started_at, finished_at)
    SELECT run_id, unit, item, output, version, attempt, id, %(worker_id)s,
           statement_timestamp() - run_us * interval '1 microsecond', statement_timestamp()
    FROM gone
    ON CONFLICT DO NOTHING
), closed AS (
    UPDATE tasks_run SET state = 'SUCCEEDED', error = NULL, ended_at = statement_timestamp()
    WHERE id = ANY(ARRAY(SELECT run_id FROM gone)) AND state = 'RUNNING'
), freed AS (
    DELETE FROM tasks_slot WHERE task_id = ANY(ARRAY(SELECT id FROM gone))
)
INSERT INTO tasks_finished (id, enqueued_at, started_at, attempted_at, finished_at, worker_id, run_us, status,
                            attempt, priority, limit_max, queue, path, args, kwargs, past, limit_key, run_id)
SELECT id, enqueued_at, started_at, attempted_at, statement_timestamp(), %(worker_id)s, run_us, 1,
       attempt, priority, limit_max, queue, path, args, kwargs, past, limit_key, run_id
FROM gone
RETURNING id

-- name: retry
-- Failed tasks that may try again wait for their time, unless someone asked to cancel them meanwhile. A task keeps its key
-- only as a name here; see retry_unique. One that is tried for ever stops being counted before its two bytes are full.
WITH again AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(leases)s::int[], %(delays_s)s::float8[], %(pasts)s::text[])
        AS a (id, lease, delay_s, past)
), back AS (
    UPDATE tasks_task t
    SET worker_id = NULL, deferred = true, run_at = clock_timestamp() + a.delay_s * interval '1 second', past = a.past,
        attempt = LEAST(t.attempt, 32000), progress = NULL, progress_note = NULL
    FROM again a
    WHERE t.id = ANY(%(ids)s::bigint[]) AND t.id = a.id AND t.worker_id = %(worker_id)s AND t.lease = a.lease AND NOT t.cancel_requested
    RETURNING t.id
), freed AS (
    DELETE FROM tasks_slot WHERE task_id = ANY(ARRAY(SELECT id FROM back))
)
SELECT id FROM back

-- name: retry_unique
-- As retry, for one task that had a key: it takes the key again. Violates tasks_task_unique when another waits under it.
WITH back AS (
    UPDATE tasks_task t
    SET worker_id = NULL, deferred = true, run_at = clock_timestamp() + %(delay_s)s * interval '1 second',
        past = %(past)s, unique_key = t.unique_name, attempt = LEAST(t.attempt, 32000), progress = NULL, progress_note = NULL
    WHERE t.id = %(id)s AND t.worker_id = %(worker_id)s AND t.lease = %(lease)s AND NOT t.cancel_requested
    RETURNING t.id
), freed AS (
    DELETE FROM tasks_slot WHERE task_id = ANY(ARRAY(SELECT id FROM back))
)
SELECT id FROM back

-- name: release
-- Tasks claimed but not begun go back as if never claimed, and someone else may be woken for them. The first of each
-- unique name takes its key again unless another waits under it; violates tasks_task_unique when one comes meanwhile.
WITH again AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(leases)s::int[], %(firsts)s::boolean[]) AS a (id, lease, first)
), back AS (
    UPDATE tasks_task t
    SET worker_id = NULL, attempt = GREATEST(0, t.attempt - 1),
        started_at = CASE WHEN t.attempt > 1 THEN t.started_at END,
        unique_key = CASE WHEN a.first AND t.unique_name IS NOT NULL AND NOT EXISTS
                         (SELECT 1 FROM tasks_task o WHERE o.unique_key = t.unique_name) THEN t.unique_name END
    FROM again a
    WHERE t.id = ANY(%(ids)s::bigint[]) AND t.id = a.id AND t.worker_id = %(worker_id)s AND t.lease = a.lease
    RETURNING t.id, t.queue
), freed AS (
    DELETE FROM tasks_slot WHERE task_id = ANY(ARRAY(SELECT id FROM back))
)
SELECT id, (SELECT pg_notify('tasks_' || z.worker_id, '') FROM tasks_sleeper z
            WHERE z.queue = back.queue AND z.worker_id <> %(worker_id)s LIMIT 1)
FROM back

-- name: release_unknown
-- Tasks that the database says are this worker's and the worker does not know of: the answer to their claim was lost with
-- the connection. They wait on without their keys. Walks the whole table; only after a reconnection.
WITH back AS (
    UPDATE tasks_task
    SET worker_id = NULL, attempt = GREATEST(0, attempt - 1)
    WHERE worker_id = %(worker_id)s AND NOT id = ANY(%(known)s)
    RETURNING id
), freed AS (
    DELETE FROM tasks_slot WHERE task_id = ANY(ARRAY(SELECT id FROM back))
)
SELECT id FROM back

-- name: promote
-- Tasks whose time has come become ready. Returns nothing but their number.
UPDATE tasks_task SET deferred = false WHERE id = ANY(ARRAY(
    SELECT id FROM tasks_task WHERE deferred AND run_at <= statement_timestamp()
    ORDER BY run_at LIMIT 1000 FOR UPDATE SKIP LOCKED
))

-- name: next_due
SELECT extract(epoch FROM min(run_at) - clock_timestamp())::float8 FROM tasks_task WHERE deferred

-- name: progress
UPDATE tasks_task t SET progress = p.progress, progress_note = p.note
FROM unnest(%(ids)s::bigint[], %(leases)s::int[], %(progress)s::float4[], %(notes)s::text[]) AS p (id, lease, progress, note)
WHERE t.id = ANY(%(ids)s::bigint[]) AND t.id = p.id AND t.worker_id = %(worker_id)s AND t.lease = p.lease

-- name: fall_asleep
INSERT INTO tasks_sleeper (worker_id, queue) SELECT %(worker_id)s, unnest(%(queues)s::text[]) ON CONFLICT DO NOTHING

-- name: wake_up
DELETE FROM tasks_sleeper WHERE worker_id = %(worker_id)s AND queue = ANY(%(queues)s)
