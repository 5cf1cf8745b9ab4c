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

-- name: left_over
-- Payments that got money which bought no points, by what is the matter with them: of how many some still lies here, and of how many all of it
-- goes back or went. Counted is what is neither the price, nor asked of the signer, nor sent by hand; a request that waits for approval
-- is still here. At most one row for each kind.
WITH odd AS MATERIALIZED (
    SELECT id, money, CASE WHEN status = 'settled' THEN paid_in_id END AS paid_in FROM mutoscope_solana_payment
    WHERE money IN ('late', 'foreign', 'over', 'double') OR (money = 'partial' AND status = 'expired')
), came AS (
    SELECT o.id, t.mint, sum(t.amount) - coalesce(max(price.amount), 0) AS amount
    FROM odd o JOIN mutoscope_solana_transfer t ON t.payment_id = o.id AND t.amount > 0
    LEFT JOIN mutoscope_solana_price price ON price.payment_id = o.id AND price.token_id = o.paid_in AND price.token_id = t.token_id
    GROUP BY o.id, t.mint, t.token_id
), back AS (
    SELECT t.payment_id AS id, j.mint, sum(j.amount) AS amount
    FROM (
        SELECT receipt, receiver, mint, amount FROM solana_signer_job WHERE kind = 'refund' AND state NOT IN ('failed', 'voided')
        UNION ALL
        SELECT receipt, receiver, mint, amount FROM billing_topuprefund WHERE progress = 'by_hand'
    ) j
    JOIN LATERAL (
        SELECT payment_id FROM mutoscope_solana_transfer t
        WHERE t.signature = j.receipt AND t.owner = j.receiver AND t.mint = j.mint AND t.payment_id IS NOT NULL LIMIT 1
    ) t ON true
    GROUP BY t.payment_id, j.mint
)
SELECT o.money, count(*) FILTER (WHERE l.is_left), count(*) FILTER (WHERE NOT l.is_left)
FROM odd o
JOIN (
    SELECT came.id, bool_or(came.amount > coalesce(back.amount, 0)) AS is_left
    FROM came LEFT JOIN back ON back.id = came.id AND back.mint = came.mint GROUP BY came.id
) l ON l.id = o.id
GROUP BY o.money;

-- name: refunds_waiting
-- Refunds of top-ups' money that wait for somebody's approval. One row.
SELECT count(*) FROM billing_topuprefund WHERE state = 'requested';
