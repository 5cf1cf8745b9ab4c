-- name: take_turns
-- Clicks of one viewer on bundles, one after the other: an entitlement that is not there yet cannot be locked. Held until the commit.
SELECT pg_advisory_xact_lock(%(lock_class)s, hashtext(%(viewer_id)s::text));

-- name: lock
-- The viewer's entitlements to the bundle's films, in the order of films. At most one row for each.
SELECT e.video_id FROM billing_entitlement e
WHERE e.viewer_id = %(viewer_id)s AND e.video_id IN (SELECT f.video_id FROM billing_bundlefilm f WHERE f.bundle_id = %(bundle_id)s)
ORDER BY e.video_id FOR NO KEY UPDATE;

-- name: films
-- The films of some bundles in their order, with what a viewer has of each now, and the time. One row for each film of each bundle.
SELECT f.bundle_id, clock.now, v.id, v.state, v.is_free, coalesce(e.version, 0), e.id IS NOT NULL, e.expires_at,
    (SELECT count(*) FROM billing_bundlepurchase b WHERE b.bundle_id = f.bundle_id AND b.viewer_id = %(viewer_id)s)
FROM (SELECT statement_timestamp() + %(ahead)s::interval AS now) clock
JOIN billing_bundlefilm f ON f.bundle_id = ANY(%(bundle_ids)s)
JOIN videos_video v ON v.id = f.video_id
LEFT JOIN billing_entitlement e ON e.viewer_id = %(viewer_id)s AND e.video_id = v.id
ORDER BY f.bundle_id, f.position;

-- name: write
-- A receipt and an entitlement for each film that the bundle unlocks. The caller holds the entitlements' rows (`lock`). One row: how many.
WITH films AS (
    SELECT * FROM unnest(%(video_ids)s::bigint[], %(versions)s::integer[], %(paid)s::integer[], %(fees)s::integer[],
        %(starts_at)s::timestamptz[], %(expires_at)s::timestamptz[], %(is_upgrade)s::boolean[])
        AS f (video_id, version, paid, fee, starts_at, expires_at, is_upgrade)
), receipts AS (
    INSERT INTO billing_purchase (viewer_id, video_id, channel_id, offer_id, number, term, price_points, credit_points, discount_points,
        fee_points, creator_points, is_upgrade, bought_at, starts_at, expires_at, transfer_id, request_key, bundle_purchase_id)
    SELECT %(viewer_id)s, f.video_id, %(channel_id)s, NULL, f.version, %(term)s, f.paid, 0, 0, f.fee, f.paid - f.fee, f.is_upgrade,
        %(now)s, f.starts_at, f.expires_at, %(transfer_id)s, '', %(bundle_purchase_id)s FROM films f
    RETURNING 1
), entitled AS (
    INSERT INTO billing_entitlement AS e (viewer_id, video_id, expires_at, version, changed_at)
    SELECT %(viewer_id)s, f.video_id, f.expires_at, 1, %(now)s FROM films f ORDER BY f.video_id
    ON CONFLICT (viewer_id, video_id) DO UPDATE
    SET expires_at = excluded.expires_at, version = e.version + 1, changed_at = excluded.changed_at
    RETURNING 1
)
SELECT (SELECT count(*) FROM receipts), (SELECT count(*) FROM entitled);

-- name: of_channel
-- A channel's bundles, or the one that is named, newest first, with how often each was bought and what it brought its creator. At most the limit.
SELECT b.id, b.public_id, b.title, b.term, b.points, b.made_at, b.ended_at, (SELECT count(*) FROM billing_bundlefilm f WHERE f.bundle_id = b.id),
    count(p.id) FILTER (WHERE p.refunded_at IS NULL), coalesce(sum(p.creator_points) FILTER (WHERE p.refunded_at IS NULL), 0)::bigint
FROM billing_bundle b LEFT JOIN billing_bundlepurchase p ON p.bundle_id = b.id
WHERE b.channel_id = %(channel_id)s AND (%(id)s::bigint IS NULL OR b.id = %(id)s) GROUP BY b.id ORDER BY b.id DESC LIMIT %(limit)s;

-- name: alone
-- What some films cost one by one, each for the cheapest of these terms: how many of them are sold so, and the points of those. One row.
SELECT count(*), coalesce(sum(o.points), 0)::bigint
FROM (SELECT min(o.points) AS points FROM billing_offer o
      WHERE o.video_id = ANY(%(video_ids)s) AND o.term = ANY(%(terms)s) AND o.ended_at IS NULL GROUP BY o.video_id) o;

-- name: of_same_films
-- A bundle that did not end, of exactly these films for this term: its title. At most one row. The ids come in ascending order.
SELECT b.title FROM billing_bundle b JOIN billing_bundlefilm f ON f.bundle_id = b.id
WHERE b.channel_id = %(channel_id)s AND b.term = %(term)s AND b.ended_at IS NULL
GROUP BY b.id HAVING array_agg(f.video_id ORDER BY f.video_id) = %(video_ids)s::bigint[] ORDER BY b.id LIMIT 1;
