-- name: shown
-- For each film and day (UTC) on which playbacks of it began, since a day: how many there were, how many showed its middle and the
-- moment in which its credits begin, for how long, and how many showed the middle of each hundredth. A playback belongs to the day
-- on which it began, whenever it ended; one lives 12 hours at most, so what began before `since` is recognised by looking back that far.
-- Playbacks of the film's own creator are left out for as long as their rows tell whose they were (a day; decision 0603).
-- Locks nothing. At most one row for each film and day.
WITH beats AS (
    SELECT b.playback_id, b.video_id, b.from_ms, b.to_ms, v.duration_ms, v.duration_ms / 2 AS middle_ms,
           v.duration_ms - least(%(credits_ms)s, v.duration_ms / 10) AS credits_at_ms,
           min(b.at) OVER (PARTITION BY b.playback_id) AS began
    FROM videos_beat b
    JOIN videos_video v ON v.id = b.video_id AND v.duration_ms > 0
    JOIN accounts_channel c ON c.id = v.channel_id
    LEFT JOIN videos_playback p ON p.id = b.playback_id
    WHERE b.at >= %(since)s::timestamptz - %(age_s)s * interval '1 second' AND p.person_id IS DISTINCT FROM c.owner_id
), counted AS (
    SELECT *, (began AT TIME ZONE 'UTC')::date AS day FROM beats WHERE began >= %(since)s
), sums AS (
    SELECT video_id, day, count(DISTINCT playback_id) AS plays,
           count(DISTINCT playback_id) FILTER (WHERE from_ms <= middle_ms AND to_ms > middle_ms) AS half,
           count(DISTINCT playback_id) FILTER (WHERE from_ms <= credits_at_ms AND to_ms > credits_at_ms) AS finished,
           sum(to_ms - from_ms)::bigint AS shown_ms
    FROM counted GROUP BY video_id, day
), moments AS (
    -- The middle of hundredth n lies at (n + 0.5) / 100 of the film.
    SELECT video_id, day, n, count(DISTINCT playback_id) AS playbacks
    FROM counted, generate_series(ceil(from_ms * 100.0 / duration_ms - 0.5)::integer,
                                  ceil(to_ms * 100.0 / duration_ms - 0.5)::integer - 1) n
    GROUP BY video_id, day, n
)
SELECT s.video_id, s.day, s.plays, s.half, s.finished, s.shown_ms,
       (SELECT array_agg(coalesce(m.playbacks, 0)::integer ORDER BY each)
        FROM generate_series(0, 99) each LEFT JOIN moments m ON m.video_id = s.video_id AND m.day = s.day AND m.n = each)
FROM sums s ORDER BY s.video_id, s.day;
