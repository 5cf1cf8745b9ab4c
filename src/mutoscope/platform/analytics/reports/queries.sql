-- name: by_day
-- What was visited and watched of a channel's films, or of one of them, by day. A null `since` is from the beginning.
SELECT d.day, sum(d.pages)::bigint, sum(d.prices)::bigint, sum(d.trailers)::bigint, sum(d.plays)::bigint, sum(d.half)::bigint,
    sum(d.finished)::bigint, sum(d.shown_ms)::bigint
FROM analytics_filmday d JOIN videos_video v ON v.id = d.video_id
WHERE v.channel_id = %(channel_id)s AND d.day >= coalesce(%(since)s::date, '-infinity')
  AND d.video_id = coalesce(%(video_id)s::bigint, d.video_id)
GROUP BY d.day ORDER BY d.day;

-- name: by_film
-- The same by film, with its title. One row for each film of the channel that others could ever see, or that was visited.
SELECT v.id, v.public_id, v.title, v.is_free, coalesce(sum(d.pages), 0)::bigint, coalesce(sum(d.prices), 0)::bigint,
    coalesce(sum(d.trailers), 0)::bigint, coalesce(sum(d.plays), 0)::bigint, coalesce(sum(d.half), 0)::bigint,
    coalesce(sum(d.finished), 0)::bigint, coalesce(sum(d.shown_ms), 0)::bigint
FROM videos_video v
LEFT JOIN analytics_filmday d ON d.video_id = v.id AND d.day >= coalesce(%(since)s::date, '-infinity')
WHERE v.channel_id = %(channel_id)s AND (v.published_at IS NOT NULL OR d.video_id IS NOT NULL)
GROUP BY v.id ORDER BY v.id DESC;

-- name: retention
-- For each hundredth of a film, how many playbacks showed its middle. A hundred rows, or none.
SELECT place::integer, sum(playbacks)::bigint FROM analytics_filmday d, unnest(d.shown) WITH ORDINALITY AS s (playbacks, place)
WHERE d.video_id = %(video_id)s AND d.day >= coalesce(%(since)s::date, '-infinity')
GROUP BY place ORDER BY place;

-- name: until
-- Until when that was added up: one row, or none.
SELECT done_until FROM analytics_rollup;
