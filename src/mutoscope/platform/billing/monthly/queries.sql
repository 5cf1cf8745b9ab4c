-- name: due
-- Channels whose account moved in or before a month that is over by more than the grace, and that have no statement of it: one row
-- for each month from the first that moved anything to the last that is over, oldest first, so that numbers follow the months. At
-- most the limit.
WITH over AS (
    SELECT date_trunc('month', (statement_timestamp() + %(ahead)s::interval - %(grace)s::interval) AT TIME ZONE 'UTC') AS until
), moved AS (
    SELECT b.owner_id AS channel_id,
        date_trunc('month', (SELECT t.recorded_at FROM ledger_entry e JOIN ledger_transfer t ON t.id = e.transfer_id
                             WHERE e.account_id = b.account_id ORDER BY e.transfer_id LIMIT 1) AT TIME ZONE 'UTC') AS since
    FROM billing_bookaccount b WHERE b.kind = 'earnings'
)
SELECT moved.channel_id, extract(year FROM begins)::int, extract(month FROM begins)::int
FROM moved CROSS JOIN over
CROSS JOIN LATERAL generate_series(moved.since, over.until - interval '1 month', interval '1 month') AS begins
WHERE NOT EXISTS (SELECT FROM billing_monthlystatement s
                  WHERE s.channel_id = moved.channel_id AND s.corrects_id IS NULL
                    AND s.year = extract(year FROM begins) AND s.month = extract(month FROM begins))
ORDER BY begins, moved.channel_id LIMIT %(limit)s;

-- name: is_over
-- Whether a month is over by more than the grace. One row.
SELECT make_timestamptz(%(year)s, %(month)s, 1, 0, 0, 0, 'UTC') + interval '1 month' + %(grace)s::interval
    <= statement_timestamp() + %(ahead)s::interval;

-- name: figures_by_month
-- What the ledger says of a channel's account, for each month up to one in which anything moved: year and month, opening, then count and
-- sum of sales, tips, refunds and payouts, the fees, and all else. Sales (of films and of bundles), tips and refunds are what viewers
-- paid and got: the creator's leg with the site's beside it. One pass over the account's entries; a row for each month, oldest first.
WITH mine AS (
    SELECT account_id FROM billing_bookaccount WHERE kind = 'earnings' AND owner_id = %(channel_id)s
), fees AS (
    SELECT account_id FROM billing_bookaccount WHERE kind = 'fees' AND owner_id = 0
), moves AS (
    SELECT date_trunc('month', t.recorded_at AT TIME ZONE 'UTC') AS begins, e.amount, t.metadata->>'for' AS what,
        coalesce(t.amounts[array_position(t.accounts, (SELECT account_id FROM fees))], 0) AS fee
    FROM mine JOIN ledger_entry e ON e.account_id = mine.account_id JOIN ledger_transfer t ON t.id = e.transfer_id
    WHERE t.recorded_at < make_timestamptz(%(year)s, %(month)s, 1, 0, 0, 0, 'UTC') + interval '1 month'
)
SELECT extract(year FROM begins)::int, extract(month FROM begins)::int,
    coalesce(sum(sum(amount)) OVER (ORDER BY begins ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint,
    count(*) FILTER (WHERE what IN ('unlock', 'bundle')), coalesce(sum(amount + fee) FILTER (WHERE what IN ('unlock', 'bundle')), 0)::bigint,
    count(*) FILTER (WHERE what = 'tip'), coalesce(sum(amount + fee) FILTER (WHERE what = 'tip'), 0)::bigint,
    count(*) FILTER (WHERE what = 'refund'), coalesce(-sum(amount + fee) FILTER (WHERE what = 'refund'), 0)::bigint,
    count(*) FILTER (WHERE what = 'payout'), coalesce(-sum(amount) FILTER (WHERE what = 'payout'), 0)::bigint,
    coalesce(sum(fee) FILTER (WHERE what IN ('unlock', 'bundle', 'tip', 'refund')), 0)::bigint,
    coalesce(sum(amount) FILTER (WHERE coalesce(what, '') NOT IN ('unlock', 'bundle', 'tip', 'refund', 'payout')), 0)::bigint
FROM moves GROUP BY begins ORDER BY begins;

-- name: lines
-- A page of a channel's transfers of a month, after one of them, oldest first, each with the balance after it: (id, at, points, balance,
-- metadata). `opening` is the balance before the page. At most the limit.
SELECT e.transfer_id, t.recorded_at, e.amount,
    (%(opening)s + sum(e.amount) OVER (ORDER BY e.transfer_id))::bigint, t.metadata
FROM billing_bookaccount b
JOIN ledger_entry e ON e.account_id = b.account_id
JOIN ledger_transfer t ON t.id = e.transfer_id
WHERE b.kind = 'earnings' AND b.owner_id = %(channel_id)s AND e.transfer_id > %(after)s
  AND t.recorded_at >= make_timestamptz(%(year)s, %(month)s, 1, 0, 0, 0, 'UTC')
  AND t.recorded_at < make_timestamptz(%(year)s, %(month)s, 1, 0, 0, 0, 'UTC') + interval '1 month'
ORDER BY e.transfer_id LIMIT %(limit)s;

-- name: moved_until
-- What a channel's transfers of a month add up to, up to and with one of them: the balance that a further page goes on from. One row.
SELECT coalesce(sum(e.amount), 0)::bigint
FROM billing_bookaccount b
JOIN ledger_entry e ON e.account_id = b.account_id
JOIN ledger_transfer t ON t.id = e.transfer_id
WHERE b.kind = 'earnings' AND b.owner_id = %(channel_id)s AND e.transfer_id <= %(after)s
  AND t.recorded_at >= make_timestamptz(%(year)s, %(month)s, 1, 0, 0, 0, 'UTC')
  AND t.recorded_at < make_timestamptz(%(year)s, %(month)s, 1, 0, 0, 0, 'UTC') + interval '1 month';
