-- What a worker's keeper does beside the work: beats, looks after lost workers, ticks schedules, keeps partitions.

-- name: beat
-- Say that this worker lives. No row when others have declared it lost. The gap is how long the last beat had been, in
-- seconds; a long one means that this machine or its network stood still, not that the others died.
WITH before AS (
    SELECT id, extract(epoch FROM clock_timestamp() - beat_at)::float8 AS gap_s FROM tasks_worker
    WHERE id = %(worker_id)s AND ended_at IS NULL
)
UPDATE tasks_worker w
SET beat_at = clock_timestamp(), state = %(state)s, succeeded = %(succeeded)s, failed = %(failed)s,
    retried = %(retried)s, refused = %(refused)s
FROM before b WHERE w.id = b.id
RETURNING b.gap_s, extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8

-- name: cancellations
-- Which of this worker's tasks someone asked to cancel. Only the ids given are looked at.
SELECT id FROM tasks_task WHERE id = ANY(%(ids)s) AND worker_id = %(worker_id)s AND cancel_requested

-- name: lost_workers
-- Take the workers that have not beaten for so long. Another keeper that is at it is not waited for.
SELECT id, name FROM tasks_worker
WHERE ended_at IS NULL AND beat_at < clock_timestamp() - %(stale_s)s * interval '1 second'
FOR UPDATE SKIP LOCKED

-- name: reap
-- A lost worker's tasks wait again; those that have lost a worker too often end as dead letters, since they may be why.
-- A cancelled one ends as cancelled. Keys are taken again as in release. Walks the whole table, once for each time that
-- workers were lost.
WITH orphan AS MATERIALIZED (
    SELECT id, unique_name, lost + 1 >= %(lost_max)s AS poisonous, cancel_requested FROM tasks_task
    WHERE worker_id = ANY(%(worker_ids)s) FOR UPDATE
), ranked AS MATERIALIZED (
    SELECT id, row_number() OVER (PARTITION BY unique_name ORDER BY id) = 1 AS first FROM orphan
    WHERE NOT (poisonous OR cancel_requested)
), ended AS (
    DELETE FROM tasks_task t USING orphan o WHERE t.id = o.id AND (o.poisonous OR o.cancel_requested)
    RETURNING t.*
), kept AS (
    INSERT INTO tasks_finished (id, enqueued_at, started_at, attempted_at, finished_at, worker_id, status, attempt,
                                priority, limit_max, queue, path, args, kwargs, error, past, limit_key, run_id)
    SELECT id, enqueued_at, started_at, attempted_at, clock_timestamp(), worker_id,
           CASE WHEN cancel_requested THEN 3 ELSE 2 END, attempt, priority, limit_max, queue, path, args, kwargs,
           CASE WHEN cancel_requested THEN %(cancelled)s ELSE %(error)s END, past, limit_key, run_id
    FROM ended
), back AS (
    UPDATE tasks_task t
    SET worker_id = NULL, lost = t.lost + 1, progress = NULL, progress_note = NULL,
        past = (COALESCE(t.past, '[]')::jsonb || jsonb_build_object('worker', t.worker_id, 'lost', true))::text,
        unique_key = CASE WHEN r.first AND t.unique_name IS NOT NULL AND NOT EXISTS
                         (SELECT 1 FROM tasks_task o WHERE o.unique_key = t.unique_name) THEN t.unique_name END
    FROM ranked r WHERE t.id = r.id
    RETURNING t.id, t.queue
), freed AS (
    DELETE FROM tasks_slot s USING orphan o WHERE s.task_id = o.id
), woken AS (
    SELECT pg_notify('tasks_' || worker_id, '') FROM tasks_sleeper WHERE queue IN (SELECT queue FROM back)
)
SELECT (SELECT count(*) FROM back), (SELECT count(*) FROM ended), (SELECT count(*) FROM woken)

-- name: end_workers
UPDATE tasks_worker SET ended_at = clock_timestamp(), state = %(state)s WHERE id = ANY(%(worker_ids)s) AND ended_at IS NULL

-- name: forget_sleepers
DELETE FROM tasks_sleeper WHERE worker_id = ANY(%(worker_ids)s)

-- name: forget_workers
-- Rows of workers that ended long ago. Their ids stay in the history of tasks, their counts in the row of worker 0, so that
-- what metrics count never goes down.
WITH gone AS (
    DELETE FROM tasks_worker WHERE id <> 0 AND ended_at < clock_timestamp() - interval '2 days'
    RETURNING succeeded, failed, retried, refused
)
INSERT INTO tasks_worker (id, name, queues, concurrency, state, ended_at, succeeded, failed, retried, refused)
SELECT 0, 'earlier workers', '', 0, 'STOPPED', clock_timestamp(), sum(succeeded), sum(failed), sum(retried), sum(refused)
FROM gone HAVING count(*) > 0
ON CONFLICT (id) DO UPDATE SET
    succeeded = tasks_worker.succeeded + excluded.succeeded, failed = tasks_worker.failed + excluded.failed,
    retried = tasks_worker.retried + excluded.retried, refused = tasks_worker.refused + excluded.refused

-- name: due_schedules
-- Schedules whose tick has come, each for one keeper only: whoever holds the row enqueues and moves it on.
SELECT name, cron, timezone, path, args, kwargs, next_at, clock_timestamp() FROM tasks_schedule
WHERE next_at <= clock_timestamp() AND NOT paused ORDER BY next_at LIMIT 100 FOR UPDATE SKIP LOCKED

-- name: move_schedule
UPDATE tasks_schedule SET next_at = %(next_at)s, last_at = %(last_at)s, last_task_id = %(task_id)s WHERE name = %(name)s

-- name: declare_schedule
-- The code's word on a schedule. Whether it is paused is the operator's; when it comes next is kept unless the cron changed.
INSERT INTO tasks_schedule (name, cron, timezone, path, args, kwargs, next_at)
VALUES (%(name)s, %(cron)s, %(timezone)s, %(path)s, %(args)s, %(kwargs)s, %(next_at)s)
ON CONFLICT (name) DO UPDATE SET
    path = excluded.path, args = excluded.args, kwargs = excluded.kwargs, cron = excluded.cron, timezone = excluded.timezone,
    next_at = CASE WHEN tasks_schedule.cron = excluded.cron AND tasks_schedule.timezone = excluded.timezone
                   THEN tasks_schedule.next_at ELSE excluded.next_at END

-- name: forget_schedules
-- Schedules that the code no longer declares.
DELETE FROM tasks_schedule WHERE NOT name = ANY(%(names)s)

-- name: try_lock
SELECT pg_try_advisory_xact_lock(%(lock_class)s, %(lock)s)

-- name: partitions
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'tasks_finished'::regclass ORDER BY 1

-- name: rest_has_day
-- Whether the partition for the rest holds rows of that day, which keep the day's own partition from being made.
SELECT EXISTS (SELECT 1 FROM tasks_finished_rest WHERE finished_at >= %(since)s AND finished_at < %(until)s)

-- name: prune_rest
DELETE FROM tasks_finished_rest WHERE finished_at < clock_timestamp() - %(days)s * interval '1 day'

-- name: has_work
-- Whether this worker holds a task, or one that is ready or due waits in queues that are not paused.
SELECT EXISTS (SELECT FROM tasks_task WHERE worker_id = %(worker_id)s)
    OR EXISTS (SELECT FROM tasks_task t
               WHERE t.queue = ANY(%(queues)s) AND t.worker_id IS NULL
                 AND (NOT t.deferred OR t.run_at <= clock_timestamp())
                 AND NOT EXISTS (SELECT FROM tasks_queue q WHERE q.name = t.queue AND q.paused))
