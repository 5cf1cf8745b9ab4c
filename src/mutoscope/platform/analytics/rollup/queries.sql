-- name: take_turns
-- Two roll-ups at once would take the same visits. Held until the commit.
SELECT pg_advisory_xact_lock(%(lock_class)s, 0);

-- name: add_visits
-- Takes every visit that was counted and adds it to its film's day: what is taken is gone, so nothing is added twice, however often
-- this runs. A visit that is counted meanwhile waits for one row at most, and then makes a new one. Returns the rows it took.
WITH taken AS (
    DELETE FROM analytics_visits RETURNING video_id, day, pages, prices, trailers
), sums AS (
    SELECT video_id, day, sum(pages)::integer AS pages, sum(prices)::integer AS prices, sum(trailers)::integer AS trailers,
        count(*) AS slots
    FROM taken GROUP BY video_id, day
), added AS (
    INSERT INTO analytics_filmday AS d (video_id, day, pages, prices, trailers, plays, half, finished, shown_ms, shown)
    SELECT video_id, day, pages, prices, trailers, 0, 0, 0, 0, '{}' FROM sums ORDER BY video_id, day
    ON CONFLICT (video_id, day) DO UPDATE
    SET pages = d.pages + excluded.pages, prices = d.prices + excluded.prices, trailers = d.trailers + excluded.trailers
    RETURNING 1
)
SELECT coalesce(sum(slots), 0)::bigint, (SELECT count(*) FROM added) FROM sums;

-- name: since
-- From which day on figures may have changed since the last time: playbacks go on for 12 hours, and add to the day on which they began.
-- Without a last time, the day of the first beat; and the moment that this one counts until. One row.
SELECT ((coalesce((SELECT done_until FROM analytics_rollup), (SELECT min(at) FROM videos_beat), statement_timestamp())
         - %(open_s)s * interval '1 second') AT TIME ZONE 'UTC')::date, statement_timestamp();

-- name: put
-- Replaces what was watched of each film on each day; what was visited stays. The same again changes nothing. One row for each.
INSERT INTO analytics_filmday AS d (video_id, day, pages, prices, trailers, plays, half, finished, shown_ms, shown)
SELECT w.video_id, w.day, 0, 0, 0, w.plays, w.half, w.finished, w.shown_ms,
    (SELECT array_agg(n::text::integer ORDER BY place) FROM jsonb_array_elements(w.shown) WITH ORDINALITY e (n, place))
FROM jsonb_to_recordset(%(days)s::jsonb)
    AS w (video_id bigint, day date, plays integer, half integer, finished integer, shown_ms bigint, shown jsonb)
ON CONFLICT (video_id, day) DO UPDATE
SET plays = excluded.plays, half = excluded.half, finished = excluded.finished, shown_ms = excluded.shown_ms, shown = excluded.shown
RETURNING 1;

-- name: done
-- One row.
INSERT INTO analytics_rollup (id, done_until) VALUES (1, %(until)s)
ON CONFLICT (id) DO UPDATE SET done_until = excluded.done_until
RETURNING done_until;
