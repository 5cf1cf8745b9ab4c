-- name: look
-- What every click depends on: the film, its price for this term, what the viewer has of it, and the accounts. Locks nothing. One row, or
-- none when there is no such film. What only some clicks depend on is asked for after it: `earlier`, `running`, `code`.
-- Reads the tables of videos and accounts by their keys: through their doors it would be three round trips. What is one row's one
-- column is a subquery, which is quicker to start than a join; and with LIMIT no join becomes a hash of a whole table that happens to be small.
SELECT statement_timestamp() + %(ahead)s::interval, v.id, v.state, v.channel_id,
    (SELECT c.owner_id FROM accounts_channel c WHERE c.id = v.channel_id),
    o.id, o.points, coalesce(e.version, 0), e.id IS NOT NULL, e.expires_at,
    (SELECT a.account_id FROM billing_bookaccount a WHERE a.kind = 'points' AND a.owner_id = %(viewer_id)s),
    (SELECT a.account_id FROM billing_bookaccount a WHERE a.kind = 'earnings' AND a.owner_id = v.channel_id),
    (SELECT a.account_id FROM billing_bookaccount a WHERE a.kind = 'fees' AND a.owner_id = 0)
FROM videos_video v
LEFT JOIN LATERAL (
    SELECT o.id, o.points FROM billing_offer o WHERE o.video_id = v.id AND o.term = %(term)s AND o.ended_at IS NULL LIMIT 1
) o ON true
LEFT JOIN billing_entitlement e ON e.viewer_id = %(viewer_id)s AND e.video_id = v.id
WHERE v.public_id = %(public_id)s;

-- name: earlier
-- The receipt of this very request, if it was answered before: one row, or none.
SELECT p.id, p.transfer_id, p.expires_at, p.fee_points + p.creator_points, p.video_id <> %(video_id)s OR p.term <> %(term)s
FROM billing_purchase p
WHERE p.viewer_id = %(viewer_id)s AND p.request_key = %(request_key)s AND p.request_key <> ''
UNION ALL
-- The click that a page sent twice: it saw a version which this purchase has used up, and what it bought still runs. A share of a bundle
-- was another click.
SELECT p.id, p.transfer_id, p.expires_at, p.fee_points + p.creator_points, false FROM billing_purchase p
WHERE p.viewer_id = %(viewer_id)s AND p.video_id = %(video_id)s AND p.number = %(version)s AND p.term = %(term)s
  AND p.refunded_at IS NULL AND p.bundle_purchase_id IS NULL AND (p.expires_at IS NULL OR p.expires_at > %(now)s)
LIMIT 1;

-- name: running
-- What the viewer has paid for and is still running: the longest term's rank, and what all of it cost. One row. Asked by the click and
-- by the panel, and only where something still runs.
SELECT coalesce(max(CASE p.term WHEN 'day' THEN 1 WHEN 'month' THEN 2 ELSE 3 END), 0),
    coalesce(sum(p.price_points - p.discount_points)::bigint, 0)
FROM billing_purchase p
WHERE p.viewer_id = %(viewer_id)s AND p.video_id = %(video_id)s AND p.refunded_at IS NULL AND p.credited_to_id IS NULL
  AND (p.expires_at IS NULL OR p.expires_at > %(now)s);

-- name: code
-- A code, and why it does not count for this film and viewer, if it does not: one row, or none where the film's channel has no such code.
SELECT k.id, k.percent, k.points_off, CASE
    WHEN k.video_id <> v.id THEN 'other' WHEN k.ended_at IS NOT NULL OR k.ends_at <= clock.now THEN 'ended'
    WHEN k.starts_at > clock.now THEN 'early' WHEN k.uses >= k.uses_max THEN 'used up'
    WHEN EXISTS (SELECT FROM billing_couponuse u WHERE u.coupon_id = k.id AND u.viewer_id = %(viewer_id)s) THEN 'used' END
FROM (SELECT statement_timestamp() + %(ahead)s::interval AS now) clock
JOIN videos_video v ON v.public_id = %(public_id)s
JOIN billing_coupon k ON k.channel_id = v.channel_id AND k.code = %(coupon)s;

-- name: buy
-- One row. See migrations/0038_an_unlock_is_a_payment.sql for its locks and outcomes.
SELECT * FROM billing_unlock(%(viewer_id)s, %(video_id)s, %(channel_id)s, %(offer_id)s, %(version)s::integer, %(term)s,
    %(price)s::integer, %(credit)s::integer, %(fee)s::integer, %(creator)s::integer, %(is_upgrade)s,
    %(now)s, %(starts_at)s, %(expires_at)s, %(request_key)s,
    %(key)s, %(viewer_account)s, %(creator_account)s, %(fees_account)s, %(metadata)s::jsonb,
    %(coupon_id)s, %(discount)s::integer);

-- name: click
-- The ordinary click in one round trip: nothing of the film is running, and its price is what the page said. One row as `buy`
-- returns it; none where anything is out of the ordinary, and nothing is written then: `look` says what it is.
-- LIMIT keeps all conditions below the function that writes: as a plain join the planner might call it first. OFFSET keeps it to one
-- call, in the list of columns: in FROM a function costs more to set up.
SELECT (once.bought).outcome, (once.bought).purchase_id, (once.bought).transfer_id, (once.bought).expires_at, (once.bought).available
FROM (
    SELECT billing_unlock(%(viewer_id)s, film.video_id, film.channel_id, film.offer_id, %(version)s::integer, %(term)s,
        %(points)s::integer, 0, %(fee)s::integer, %(creator)s::integer, false,
        film.now, film.now, film.now + %(lasts)s::interval, '',
        format('unlock:%%s:%%s:%%s', %(viewer_id)s, film.video_id, %(version)s::integer), film.viewer, film.creator, film.site,
        jsonb_build_object('for', 'unlock', 'video', film.video_id, 'term', %(term)s::text), NULL, 0) AS bought
    FROM (
        SELECT v.id AS video_id, v.channel_id, o.id AS offer_id, statement_timestamp() + %(ahead)s::interval AS now,
            (SELECT a.account_id FROM billing_bookaccount a WHERE a.kind = 'points' AND a.owner_id = %(viewer_id)s) AS viewer,
            (SELECT a.account_id FROM billing_bookaccount a WHERE a.kind = 'earnings' AND a.owner_id = v.channel_id) AS creator,
            (SELECT a.account_id FROM billing_bookaccount a WHERE a.kind = 'fees' AND a.owner_id = 0) AS site
        FROM videos_video v
        JOIN billing_offer o
            ON o.video_id = v.id AND o.term = %(term)s AND o.ended_at IS NULL AND o.points = %(points)s::integer
        LEFT JOIN billing_entitlement e ON e.viewer_id = %(viewer_id)s AND e.video_id = v.id
        WHERE v.public_id = %(public_id)s AND v.state IN ('published', 'unlisted')
          AND coalesce(e.version, 0) = %(version)s::integer
          AND (e.id IS NULL OR e.expires_at <= statement_timestamp() + %(ahead)s::interval)
          AND (SELECT c.owner_id FROM accounts_channel c WHERE c.id = v.channel_id) <> %(viewer_id)s
        LIMIT 1
    ) film
    WHERE film.viewer IS NOT NULL AND film.creator IS NOT NULL
    OFFSET 0
) once;

-- name: panel
-- What the panel beside a film shows: one row for each offer, or one without an offer; none when there is no such film.
SELECT clock.now, v.id, v.state, v.title, c.owner_id, c.title,
    coalesce(e.version, 0), e.id IS NOT NULL, e.expires_at, o.term, o.points
FROM (SELECT statement_timestamp() + %(ahead)s::interval AS now) clock
JOIN videos_video v ON v.public_id = %(public_id)s
JOIN accounts_channel c ON c.id = v.channel_id
LEFT JOIN billing_offer o ON o.video_id = v.id AND o.ended_at IS NULL
LEFT JOIN billing_entitlement e ON e.viewer_id = %(viewer_id)s AND e.video_id = v.id
ORDER BY CASE o.term WHEN 'day' THEN 1 WHEN 'month' THEN 2 ELSE 3 END;

-- name: right
-- Whether somebody may watch: asked at every key, so one round trip by two keys. One row. Never remembered.
SELECT clock.now, e.id IS NOT NULL, e.expires_at,
    EXISTS (SELECT FROM billing_offer o WHERE o.video_id = %(video_id)s AND o.ended_at IS NULL AND o.term <> 'free')
FROM (SELECT statement_timestamp() + %(ahead)s::interval AS now) clock
LEFT JOIN billing_entitlement e ON e.viewer_id = %(viewer_id)s AND e.video_id = %(video_id)s;

-- name: notes
-- For each film of a list: its lowest price, what this viewer has of it, and whether, without a price, it is in a bundle that can be bought:
-- one that did not end, and all of whose films are on show and not free. At most one row for each film.
SELECT v.id, min(o.points), e.id IS NOT NULL AND (e.expires_at IS NULL OR e.expires_at > clock.now), e.expires_at,
    min(o.points) IS NULL AND EXISTS (
        SELECT FROM billing_bundlefilm f JOIN billing_bundle b ON b.id = f.bundle_id AND b.ended_at IS NULL
        WHERE f.video_id = v.id AND NOT EXISTS (
            SELECT FROM billing_bundlefilm f2 JOIN videos_video v2 ON v2.id = f2.video_id
            WHERE f2.bundle_id = b.id AND (v2.is_free OR v2.state <> ALL(%(on_show)s::text[]))))
FROM (SELECT statement_timestamp() + %(ahead)s::interval AS now) clock
CROSS JOIN unnest(%(video_ids)s::bigint[]) v (id)
LEFT JOIN billing_offer o ON o.video_id = v.id AND o.ended_at IS NULL AND o.term <> 'free'
LEFT JOIN billing_entitlement e ON e.viewer_id = %(viewer_id)s AND e.video_id = v.id
GROUP BY v.id, e.id, clock.now;
