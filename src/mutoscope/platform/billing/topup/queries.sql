-- name: standing
-- A top-up with its payment, the price that was quoted, and what arrived: one row, or none where it is somebody else's. Locks nothing.
-- Receipts are written down when they are final. Until then, what the watcher saw in the payment's own wallet says how much is there.
SELECT t.id, t.points + t.bonus_points, t.price_usd_cents, t.film, t.credited_at IS NOT NULL,
    p.status, p.money, p.recipient, coalesce(p.reference, ''), p.expires_at,
    greatest(0, extract(epoch FROM p.expires_at - statement_timestamp()))::int, p.signature,
    token.symbol, token.mint, token.decimals, price.amount::text,
    greatest(
        (SELECT coalesce(sum(r.amount), 0) FROM mutoscope_solana_transfer r
         WHERE r.payment_id = p.id AND r.token_id = token.id AND r.amount > 0),
        (SELECT coalesce(sum(a.observed - coalesce(a.opening, 0)), 0) FROM mutoscope_solana_watchedaccount a
         WHERE a.payment_id = p.id AND a.token_id = token.id AND a.kind = 'one_time' AND p.status IN ('seen', 'confirmed'))
    )::text, t.rate_usd
FROM billing_topup t
JOIN mutoscope_solana_payment p ON p.id = t.payment_id
JOIN mutoscope_solana_price price ON price.payment_id = p.id
JOIN mutoscope_solana_token token ON token.id = price.token_id AND token.mint = t.mint
WHERE t.public_id = %(public_id)s AND t.person_id = %(person_id)s;

-- name: newest
-- A person's top-ups, newest first, at most the limit: what the wallet lists.
SELECT t.public_id, t.points + t.bonus_points, t.price_usd_cents, t.asked_at, t.credited_at IS NOT NULL, p.status, p.money,
    coalesce((SELECT r.state FROM billing_topuprefund r WHERE r.top_up_id = t.id ORDER BY r.id DESC LIMIT 1), ''), t.id, t.credited_at
FROM billing_topup t JOIN mutoscope_solana_payment p ON p.id = t.payment_id
WHERE t.person_id = %(person_id)s AND t.id < %(before)s ORDER BY t.id DESC LIMIT %(limit)s;

-- name: open_unpaid
-- How many payments of this person still wait for money, with none seen so far: one row. Asked under a lock on the person. Locks nothing.
SELECT count(*) FROM billing_topup t JOIN mutoscope_solana_payment p ON p.id = t.payment_id
WHERE t.person_id = %(person_id)s AND t.credited_at IS NULL
  AND p.status = 'waiting' AND p.money = 'nothing' AND p.expires_at > statement_timestamp();

-- name: wait
-- In how many seconds this person may begin another, where so many were begun within the hour: one row, or none where there were never
-- so many. Asked under a lock on the person. Locks nothing.
SELECT greatest(0, ceil(extract(epoch FROM t.asked_at + interval '1 hour' - statement_timestamp())))::int FROM billing_topup t
WHERE t.person_id = %(person_id)s ORDER BY t.id DESC OFFSET %(hourly_max)s - 1 LIMIT 1;

-- name: under_way
-- The newest top-up of this person that still waits: for money, or for what arrived to be final. One row, or none. Locks nothing.
SELECT t.public_id FROM billing_topup t JOIN mutoscope_solana_payment p ON p.id = t.payment_id
WHERE t.person_id = %(person_id)s AND t.credited_at IS NULL
  AND (p.status IN ('seen', 'confirmed') OR p.status = 'waiting' AND p.expires_at > statement_timestamp())
ORDER BY t.id DESC LIMIT 1;
