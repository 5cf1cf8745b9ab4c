-- name: hold_channel
-- Payouts of one channel take turns. One row, or none when the channel never earned anything. Locks that row, before the ledger.
SELECT account_id FROM billing_bookaccount WHERE kind = 'earnings' AND owner_id = %(channel_id)s FOR UPDATE;

-- name: earnings
-- A channel's points, what is held of them, and what it earned within the delay and was not refunded since. All in one snapshot: a refund
-- between two would be missing from what is recent, and still be in the balance. Adds up the ledger's own rows by its own rule
-- (engines/ledger/sql/queries.sql, `balance`). One row. Locks nothing.
SELECT coalesce((SELECT a.available + a.held - a.gathered
                     + coalesce((SELECT sum(s.balance) FROM ledger_sub_balance s WHERE s.account_id = a.id), 0)
                 FROM billing_bookaccount b JOIN ledger_account a ON a.id = b.account_id
                 WHERE b.kind = 'earnings' AND b.owner_id = %(channel_id)s), 0)::bigint,
    coalesce((SELECT a.held FROM billing_bookaccount b JOIN ledger_account a ON a.id = b.account_id
              WHERE b.kind = 'earnings' AND b.owner_id = %(channel_id)s), 0)::bigint,
    (coalesce((SELECT sum(p.creator_points) FROM billing_purchase p
               WHERE p.channel_id = %(channel_id)s AND p.refunded_at IS NULL AND p.bought_at > clock.now - %(delay)s::interval), 0)
   + coalesce((SELECT sum(t.creator_points) FROM billing_tip t
               WHERE t.channel_id = %(channel_id)s AND t.given_at > clock.now - %(delay)s::interval), 0))::bigint
FROM (SELECT statement_timestamp() + %(ahead)s::interval AS now) clock;

-- name: unapproved
-- Points of a channel's payouts that were asked for within the last 24 hours and that nobody of the staff decided about: paid, or on their
-- way. What failed went nowhere. One row. Locks nothing: whoever decides by it holds the channel (`hold_channel`).
SELECT coalesce(sum(points), 0)::bigint FROM billing_payout
WHERE channel_id = %(channel_id)s AND state IN ('approved', 'paid') AND decided_by_id IS NULL
  AND asked_at > statement_timestamp() - interval '24 hours';

-- name: now
-- The database's time. One row.
SELECT statement_timestamp() + %(ahead)s::interval;
