-- name: flows
-- What came in and went out since a moment, and what waits for somebody's approval. One row.
SELECT i.top_ups, i.cents, i.points, o.payouts, o.points, w.payouts, w.points
FROM (SELECT count(*) AS top_ups, coalesce(sum(price_usd_cents), 0)::bigint AS cents,
             coalesce(sum(points + bonus_points), 0)::bigint AS points
      FROM billing_topup WHERE credited_at >= %(since)s) i,
     (SELECT count(*) AS payouts, coalesce(sum(points), 0)::bigint AS points
      FROM billing_payout WHERE state = 'paid' AND ended_at >= %(since)s) o,
     (SELECT count(*) AS payouts, coalesce(sum(points), 0)::bigint AS points
      FROM billing_payout WHERE state = 'waiting') w;

-- name: owed
-- What the ledger holds for each kind of account, and how much of that is held. Adds up the ledger's own rows by its own rule
-- (engines/ledger/sql/queries.sql, `balance`), for there may be a million accounts. At most one row for each kind.
SELECT b.kind, coalesce(sum(a.available + a.held - a.gathered + coalesce(s.balance, 0)), 0)::bigint, coalesce(sum(a.held), 0)::bigint
FROM billing_bookaccount b JOIN ledger_account a ON a.id = b.account_id
LEFT JOIN (SELECT account_id, sum(balance) AS balance FROM ledger_sub_balance GROUP BY account_id) s ON s.account_id = a.id
GROUP BY b.kind;
