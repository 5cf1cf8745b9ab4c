-- Runs of pipelines. Lock order: the run's row, then a task's.

-- name: insert_run
INSERT INTO tasks_run (pipeline, subject, input, priority)
VALUES (%(pipeline)s, %(subject)s, %(input)s, %(priority)s)
RETURNING id

-- name: run
SELECT pipeline, subject, input, state, priority FROM tasks_run WHERE id = %(run_id)s

-- name: lock_run
-- One row. Held to the end of the transaction: two items that end at once must not each think the other is missing.
SELECT state, priority FROM tasks_run WHERE id = %(run_id)s FOR UPDATE

-- name: own_task
-- The task, if the worker that asks still has the right to it; kept so until the transaction ends.
SELECT 1 FROM tasks_task
WHERE id = %(task_id)s AND worker_id = %(worker_id)s AND lease = %(lease)s AND NOT cancel_requested FOR UPDATE

-- name: places
SELECT unit, item FROM tasks_unit WHERE run_id = %(run_id)s

-- name: item_places
-- Of one item, and of what is outside of fan-outs; as many lookups as there are units, however many items.
SELECT unit, item FROM tasks_unit
WHERE run_id = %(run_id)s AND unit = ANY(%(units)s::text[]) AND item = ANY(%(items)s::text[])

-- name: item_outputs
SELECT item, output, version FROM tasks_unit
WHERE run_id = %(run_id)s AND unit = %(unit)s AND item = ANY(%(items)s::text[])

-- name: unit_names
-- Units that have a checkpoint, each found by skipping the one before, however many items that has.
WITH RECURSIVE name AS (
    SELECT min(unit) AS unit FROM tasks_unit WHERE run_id = %(run_id)s
    UNION ALL
    SELECT (SELECT min(u.unit) FROM tasks_unit u WHERE u.run_id = %(run_id)s AND u.unit > name.unit)
    FROM name WHERE name.unit IS NOT NULL
)
SELECT unit FROM name WHERE unit IS NOT NULL

-- name: work_under_way
-- One row while another task of the run is at one of these units and has not ended it.
SELECT 1 FROM tasks_task t
WHERE t.run_id = %(run_id)s AND t.id <> %(task_id)s AND t.kwargs::json ->> 'unit' = ANY(%(units)s::text[])
  AND NOT EXISTS (
      SELECT FROM tasks_unit u
      WHERE u.run_id = %(run_id)s AND u.unit = t.kwargs::json ->> 'unit' AND u.item = t.kwargs::json ->> 'item'
  )
LIMIT 1

-- name: outputs
-- Outputs of one unit, by item.
SELECT item, output, version FROM tasks_unit WHERE run_id = %(run_id)s AND unit = %(unit)s

-- name: checkpoint
-- The output of a unit, once and for all. No row when it has one already.
INSERT INTO tasks_unit (run_id, unit, item, output, version, attempt, task_id, worker_id, started_at, finished_at)
VALUES (%(run_id)s, %(unit)s, %(item)s, %(output)s, %(version)s, %(attempt)s, %(task_id)s, %(worker_id)s,
        clock_timestamp() - %(run_s)s::float8 * interval '1 second', clock_timestamp())
ON CONFLICT DO NOTHING
RETURNING 1

-- name: enqueue_units
-- The tasks of units that are ready. Wakes as many sleepers.
WITH added AS (
    INSERT INTO tasks_task (queue, path, priority, kwargs, run_id, limit_key, limit_max)
    SELECT given.queue, given.path, %(priority)s, given.kwargs, %(run_id)s, given.limit_key, given.limit_max
    FROM unnest(%(queues)s::text[], %(paths)s::text[], %(kwargs)s::text[], %(limit_keys)s::text[],
                %(limit_maxes)s::smallint[]) AS given (queue, path, kwargs, limit_key, limit_max)
    RETURNING id, queue
), needed AS (
    SELECT queue, count(*) AS number FROM added GROUP BY queue
)
SELECT (SELECT count(*) FROM added),
       CASE WHEN sleeper.worker_id IS NOT NULL THEN pg_notify('tasks_' || sleeper.worker_id, '')::text END
FROM needed
LEFT JOIN LATERAL (
    SELECT worker_id FROM tasks_sleeper z WHERE z.queue = needed.queue ORDER BY random() LIMIT needed.number
) AS sleeper ON true

-- name: end_run
UPDATE tasks_run SET state = %(state)s, error = %(error)s, ended_at = clock_timestamp()
WHERE id = %(run_id)s AND state = 'RUNNING'

-- name: resume_run
UPDATE tasks_run SET state = 'RUNNING', error = NULL, ended_at = NULL
WHERE id = %(run_id)s AND state IN ('FAILED', 'STOPPED', 'CANCELLED')
RETURNING id

-- name: live_places
-- Units of the run that wait or run now.
SELECT kwargs, id, worker_id, attempted_at, attempt, progress, progress_note, deferred, past
FROM tasks_task WHERE run_id = %(run_id)s

-- name: lock_live
SELECT kwargs, id, cancel_requested FROM tasks_task WHERE run_id = %(run_id)s ORDER BY id FOR UPDATE

-- name: run_progress
SELECT pipeline, subject, state, error, started_at, ended_at, input FROM tasks_run WHERE id = %(run_id)s

-- name: timeline
SELECT unit, item, attempt, started_at, finished_at, worker_id, version,
       CASE WHEN item = '*' OR length(output) <= 400 THEN output ELSE left(output, 400) || ' ...' END
FROM tasks_unit WHERE run_id = %(run_id)s ORDER BY finished_at, unit, item

-- name: counts
-- What progress needs: how many items of each unit have ended, and how many there are where the run fanned out.
SELECT unit, count(*) FILTER (WHERE item <> '*'), max(json_array_length(output::json)) FILTER (WHERE item = '*')
FROM tasks_unit WHERE run_id = %(run_id)s GROUP BY unit
