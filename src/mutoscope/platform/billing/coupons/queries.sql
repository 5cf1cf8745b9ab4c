-- name: of_channel
-- A channel's codes, or the one that is named, newest first, with what was paid and taken off with each, and what of it is the creator's.
-- At most the limit.
SELECT c.id, c.code, c.percent, c.points_off, v.title, c.starts_at, c.ends_at, c.uses_max, c.uses, c.ended_at,
    c.ended_at IS NULL AND (c.ends_at IS NULL OR c.ends_at > statement_timestamp()) AND (c.uses_max IS NULL OR c.uses < c.uses_max),
    coalesce(u.points_off, 0), coalesce(u.creator_points, 0)
FROM billing_coupon c
LEFT JOIN videos_video v ON v.id = c.video_id
LEFT JOIN LATERAL (
    SELECT sum(u.points_off)::bigint AS points_off, sum(p.creator_points) FILTER (WHERE p.refunded_at IS NULL)::bigint AS creator_points
    FROM billing_couponuse u JOIN billing_purchase p ON p.id = u.purchase_id WHERE u.coupon_id = c.id
) u ON true
WHERE c.channel_id = %(channel_id)s AND (%(id)s::bigint IS NULL OR c.id = %(id)s) ORDER BY c.id DESC LIMIT %(limit)s;
