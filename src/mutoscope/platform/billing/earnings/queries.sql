-- name: by_day
-- A channel's revenue in its own part, or that of one film of it, by day (UTC) and what it was, and what viewers paid for that;
-- refunds are counted on the day of the refund. A null `since` is from the beginning. At most three rows a day.
SELECT at::date, what, count(*), sum(points)::bigint, sum(paid)::bigint FROM (
    SELECT p.bought_at AT TIME ZONE 'UTC' AS at, 'sale' AS what, p.creator_points AS points, p.fee_points + p.creator_points AS paid
    FROM billing_purchase p
    WHERE p.channel_id = %(channel_id)s AND p.bought_at >= coalesce(%(since)s::timestamptz, '-infinity')
      AND p.video_id = coalesce(%(video_id)s::bigint, p.video_id)
    UNION ALL
    SELECT t.given_at AT TIME ZONE 'UTC', 'tip', t.creator_points, t.points FROM billing_tip t
    WHERE t.channel_id = %(channel_id)s AND t.given_at >= coalesce(%(since)s::timestamptz, '-infinity')
      AND t.video_id = coalesce(%(video_id)s::bigint, t.video_id)
    UNION ALL
    SELECT p.refunded_at AT TIME ZONE 'UTC', 'refund', -p.creator_points, -(p.fee_points + p.creator_points)
    FROM billing_purchase p
    WHERE p.channel_id = %(channel_id)s AND p.refunded_at >= coalesce(%(since)s::timestamptz, '-infinity')
      AND p.video_id = coalesce(%(video_id)s::bigint, p.video_id)
) moves GROUP BY 1, 2 ORDER BY 1, 2;

-- name: by_video
-- The same by film, over the same time, with the sales and points of each term. Added up over the films it is what `by_day` adds up to.
-- One row for each film that moved, best first.
SELECT v.id, v.public_id, v.title,
    sum(m.days)::bigint, sum(m.months)::bigint, sum(m.lifetimes)::bigint,
    sum(m.day_points)::bigint, sum(m.month_points)::bigint, sum(m.lifetime_points)::bigint,
    sum(m.refunds)::bigint, sum(m.refund_points)::bigint, sum(m.tips)::bigint, sum(m.tip_points)::bigint
FROM (
    SELECT p.video_id, count(*) FILTER (WHERE p.term = 'day') AS days,
        count(*) FILTER (WHERE p.term = 'month') AS months, count(*) FILTER (WHERE p.term = 'lifetime') AS lifetimes,
        coalesce(sum(p.creator_points) FILTER (WHERE p.term = 'day'), 0) AS day_points,
        coalesce(sum(p.creator_points) FILTER (WHERE p.term = 'month'), 0) AS month_points,
        coalesce(sum(p.creator_points) FILTER (WHERE p.term = 'lifetime'), 0) AS lifetime_points,
        0 AS refunds, 0 AS refund_points, 0 AS tips, 0 AS tip_points
    FROM billing_purchase p
    WHERE p.channel_id = %(channel_id)s AND p.bought_at >= coalesce(%(since)s::timestamptz, '-infinity')
      AND p.video_id = coalesce(%(video_id)s::bigint, p.video_id)
    GROUP BY p.video_id
    UNION ALL
    SELECT p.video_id, 0, 0, 0, 0, 0, 0, count(*), -sum(p.creator_points), 0, 0
    FROM billing_purchase p
    WHERE p.channel_id = %(channel_id)s AND p.refunded_at >= coalesce(%(since)s::timestamptz, '-infinity')
      AND p.video_id = coalesce(%(video_id)s::bigint, p.video_id)
    GROUP BY p.video_id
    UNION ALL
    SELECT t.video_id, 0, 0, 0, 0, 0, 0, 0, 0, count(*), sum(t.creator_points)
    FROM billing_tip t
    WHERE t.channel_id = %(channel_id)s AND t.given_at >= coalesce(%(since)s::timestamptz, '-infinity')
      AND t.video_id = coalesce(%(video_id)s::bigint, t.video_id)
    GROUP BY t.video_id
) m JOIN videos_video v ON v.id = m.video_id
GROUP BY v.id ORDER BY sum(m.day_points + m.month_points + m.lifetime_points + m.refund_points + m.tip_points) DESC, v.id;
