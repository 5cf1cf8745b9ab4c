-- name: look
-- All that one click depends on: the film, its price for this term, what the viewer has of it, the accounts, and whether this
-- very request was answered before. Locks nothing. One row, or none when there is no such film.
-- Reads the tables of videos and accounts by their keys: through their doors it would be five round trips.
SELECT clock.now, v.id, v.state, v.channel_id, c.owner_id, o.id, o.points,
    coalesce(e.version, 0), e.id IS NOT NULL, e.expires_at, coalesce(run.rank, 0), coalesce(run.worth, 0),
    mine.account_id, theirs.account_id, fees.account_id,
    done.id, done.transfer_id, done.expires_at, done.fee_points + done.creator_points,
    done.video_id IS DISTINCT FROM v.id OR done.term <> %(term)s, code.id, code.percent, code.points_off, code.problem
FROM (SELECT statement_timestamp() + %(ahead)s::interval AS now) clock
JOIN videos_video v ON v.public_id = %(public_id)s
JOIN accounts_channel c ON c.id = v.channel_id
LEFT JOIN billing_offer o ON o.video_id = v.id AND o.term = %(term)s AND o.ended_at IS NULL
LEFT JOIN billing_entitlement e ON e.viewer_id = %(viewer_id)s AND e.video_id = v.id
LEFT JOIN LATERAL (
    SELECT max(CASE p.term WHEN 'day' THEN 1 WHEN 'month' THEN 2 ELSE 3 END) AS rank, sum(p.price_points - p.discount_points)::bigint AS worth
    FROM billing_purchase p
    WHERE p.viewer_id = %(viewer_id)s AND p.video_id = v.id AND p.refunded_at IS NULL AND p.credited_to_id IS NULL
      AND (p.expires_at IS NULL OR p.expires_at > clock.now)
) run ON e.id IS NOT NULL
LEFT JOIN billing_bookaccount mine ON mine.kind = 'points' AND mine.owner_id = %(viewer_id)s
LEFT JOIN billing_bookaccount theirs ON theirs.kind = 'earnings' AND theirs.owner_id = v.channel_id
LEFT JOIN billing_bookaccount fees ON fees.kind = 'fees' AND fees.owner_id = 0
LEFT JOIN LATERAL (
    SELECT p.id, p.transfer_id, p.expires_at, p.fee_points, p.creator_points, p.video_id, p.term FROM billing_purchase p
    WHERE p.viewer_id = %(viewer_id)s AND p.request_key = %(request_key)s AND p.request_key <> ''
    UNION ALL
    -- The click that a page sent twice: it saw a version which this purchase has used up, and what it bought still runs.
    SELECT p.id, p.transfer_id, p.expires_at, p.fee_points, p.creator_points, p.video_id, p.term FROM billing_purchase p
    WHERE p.viewer_id = %(viewer_id)s AND p.video_id = v.id AND p.number = %(version)s AND p.term = %(term)s
      AND p.refunded_at IS NULL AND (p.expires_at IS NULL OR p.expires_at > clock.now)
    LIMIT 1
) done ON true
LEFT JOIN LATERAL (
    SELECT k.id, k.percent, k.points_off, CASE
        WHEN k.video_id <> v.id THEN 'other' WHEN k.ended_at IS NOT NULL OR k.ends_at <= clock.now THEN 'ended'
        WHEN k.starts_at > clock.now THEN 'early' WHEN k.uses >= k.uses_max THEN 'used up'
        WHEN EXISTS (SELECT FROM billing_couponuse u WHERE u.coupon_id = k.id AND u.viewer_id = %(viewer_id)s) THEN 'used'
    END AS problem
    FROM billing_coupon k WHERE k.channel_id = v.channel_id AND k.code = %(coupon)s
) code ON %(coupon)s::text <> '';

-- name: code
-- The same of a code alone, for the panel: one row, or none where the film's channel has no such code.
SELECT k.percent, k.points_off, CASE
    WHEN k.video_id <> v.id THEN 'other' WHEN k.ended_at IS NOT NULL OR k.ends_at <= clock.now THEN 'ended'
    WHEN k.starts_at > clock.now THEN 'early' WHEN k.uses >= k.uses_max THEN 'used up'
    WHEN EXISTS (SELECT FROM billing_couponuse u WHERE u.coupon_id = k.id AND u.viewer_id = %(viewer_id)s) THEN 'used' END
FROM (SELECT statement_timestamp() + %(ahead)s::interval AS now) clock
JOIN videos_video v ON v.public_id = %(public_id)s
JOIN billing_coupon k ON k.channel_id = v.channel_id AND k.code = %(coupon)s;

-- name: buy
-- One row. See migrations/0021_unlock_with_code.sql for its locks and outcomes.
SELECT * FROM billing_unlock(%(viewer_id)s, %(video_id)s, %(channel_id)s, %(offer_id)s, %(version)s::integer, %(term)s,
    %(price)s::integer, %(credit)s::integer, %(fee)s::integer, %(creator)s::integer, %(is_upgrade)s,
    %(now)s, %(starts_at)s, %(expires_at)s, %(request_key)s,
    %(key)s, %(accounts)s::bigint[], %(amounts)s::bigint[], %(metadata)s::jsonb,
    %(coupon_id)s, %(discount)s::integer);

-- name: panel
-- What the panel beside a film shows: one row for each offer, or one without an offer; none when there is no such film.
SELECT clock.now, v.id, v.state, v.title, c.owner_id, c.title,
    coalesce(e.version, 0), e.id IS NOT NULL, e.expires_at, coalesce(run.rank, 0), coalesce(run.worth, 0), o.term, o.points
FROM (SELECT statement_timestamp() + %(ahead)s::interval AS now) clock
JOIN videos_video v ON v.public_id = %(public_id)s
JOIN accounts_channel c ON c.id = v.channel_id
LEFT JOIN billing_offer o ON o.video_id = v.id AND o.ended_at IS NULL
LEFT JOIN billing_entitlement e ON e.viewer_id = %(viewer_id)s AND e.video_id = v.id
LEFT JOIN LATERAL (
    SELECT max(CASE p.term WHEN 'day' THEN 1 WHEN 'month' THEN 2 ELSE 3 END) AS rank, sum(p.price_points - p.discount_points)::bigint AS worth
    FROM billing_purchase p
    WHERE p.viewer_id = %(viewer_id)s AND p.video_id = v.id AND p.refunded_at IS NULL AND p.credited_to_id IS NULL
      AND (p.expires_at IS NULL OR p.expires_at > clock.now)
) run ON e.id IS NOT NULL
ORDER BY CASE o.term WHEN 'day' THEN 1 WHEN 'month' THEN 2 ELSE 3 END;

-- name: right
-- Whether somebody may watch: asked at every key, so one round trip by two keys. One row. Never remembered.
SELECT clock.now, e.id IS NOT NULL, e.expires_at,
    EXISTS (SELECT FROM billing_offer o WHERE o.video_id = %(video_id)s AND o.ended_at IS NULL AND o.term <> 'free')
FROM (SELECT statement_timestamp() + %(ahead)s::interval AS now) clock
LEFT JOIN billing_entitlement e ON e.viewer_id = %(viewer_id)s AND e.video_id = %(video_id)s;

-- name: notes
-- For each film of a list: its lowest price, and what this viewer has of it. At most one row for each film.
SELECT v.id, min(o.points), e.id IS NOT NULL AND (e.expires_at IS NULL OR e.expires_at > clock.now), e.expires_at
FROM (SELECT statement_timestamp() + %(ahead)s::interval AS now) clock
CROSS JOIN unnest(%(video_ids)s::bigint[]) v (id)
LEFT JOIN billing_offer o ON o.video_id = v.id AND o.ended_at IS NULL AND o.term <> 'free'
LEFT JOIN billing_entitlement e ON e.viewer_id = %(viewer_id)s AND e.video_id = v.id
GROUP BY v.id, e.id, clock.now;
