-- name: by_day
-- A channel's revenue in its own part, by day (UTC) and what it was, refunds counted on the day of the refund. At most three
-- rows a day.
SELECT at::date, what, count(*), sum(points)::bigint FROM (
    SELECT p.bought_at AT TIME ZONE 'UTC' AS at, 'sale' AS what, p.creator_points AS points FROM billing_purchase p
    WHERE p.channel_id = %(channel_id)s AND p.bought_at >= %(since)s
    UNION ALL
    SELECT t.given_at AT TIME ZONE 'UTC', 'tip', t.creator_points FROM billing_tip t
    WHERE t.channel_id = %(channel_id)s AND t.given_at >= %(since)s
    UNION ALL
    SELECT p.refunded_at AT TIME ZONE 'UTC', 'refund', -p.creator_points FROM billing_purchase p
    WHERE p.channel_id = %(channel_id)s AND p.refunded_at >= %(since)s
) moves GROUP BY 1, 2 ORDER BY 1, 2;

-- name: by_video
-- The same by film, over the same time, with the sales of each term. One row for each film that moved, best first.
SELECT v.public_id, v.title,
    sum(m.sales)::bigint, sum(m.days)::bigint, sum(m.months)::bigint, sum(m.lifetimes)::bigint,
    sum(m.refunds)::bigint, sum(m.tips)::bigint, sum(m.points)::bigint
FROM (
    SELECT p.video_id, count(*) AS sales, count(*) FILTER (WHERE p.term = 'day') AS days,
        count(*) FILTER (WHERE p.term = 'month') AS months, count(*) FILTER (WHERE p.term = 'lifetime') AS lifetimes,
        count(p.refunded_at) AS refunds, 0 AS tips,
        sum(p.creator_points) FILTER (WHERE p.refunded_at IS NULL) AS points
    FROM billing_purchase p WHERE p.channel_id = %(channel_id)s AND p.bought_at >= %(since)s GROUP BY p.video_id
    UNION ALL
    SELECT t.video_id, 0, 0, 0, 0, 0, count(*), sum(t.creator_points)
    FROM billing_tip t WHERE t.channel_id = %(channel_id)s AND t.given_at >= %(since)s GROUP BY t.video_id
) m JOIN videos_video v ON v.id = m.video_id
GROUP BY v.id ORDER BY 9 DESC NULLS LAST, v.id LIMIT 500;
