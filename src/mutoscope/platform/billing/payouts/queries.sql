-- name: hold_channel
-- Payouts of one channel take turns. One row, or none when the channel never earned anything. Locks that row, before the ledger.
SELECT account_id FROM billing_bookaccount WHERE kind = 'earnings' AND owner_id = %(channel_id)s FOR UPDATE;

-- name: recent
-- What a channel earned within the delay and was not refunded since. One row.
SELECT (coalesce((SELECT sum(p.creator_points) FROM billing_purchase p
                  WHERE p.channel_id = %(channel_id)s AND p.refunded_at IS NULL AND p.bought_at > clock.now - %(delay)s::interval), 0)
      + coalesce((SELECT sum(t.creator_points) FROM billing_tip t
                  WHERE t.channel_id = %(channel_id)s AND t.given_at > clock.now - %(delay)s::interval), 0))::bigint
FROM (SELECT statement_timestamp() + %(ahead)s::interval AS now) clock;

-- name: now
-- The database's time. One row.
SELECT statement_timestamp() + %(ahead)s::interval;
