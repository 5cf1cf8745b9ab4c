-- name: lines
-- An account's transfers, newest first, before one of them: when it counts, what it changed, and the balance after it. Reads the ledger's own
-- tables, by their key, since its statement goes forward only. With `closing`, the balance after the first of them, it reads no more
-- than the page; without it, all that is older is summed up. At most the limit.
WITH page AS (
    SELECT e.transfer_id, e.amount FROM ledger_entry e
    WHERE e.account_id = %(account_id)s AND e.transfer_id < %(before)s
    ORDER BY e.transfer_id DESC LIMIT %(limit)s
), opening AS (
    SELECT coalesce(%(closing)s::bigint - (SELECT sum(amount) FROM page), (
        SELECT coalesce(sum(e.amount), 0) FROM ledger_entry e
        WHERE e.account_id = %(account_id)s AND e.transfer_id < (SELECT min(transfer_id) FROM page))) AS balance
)
SELECT page.transfer_id, coalesce(t.effective_at, t.recorded_at), page.amount,
    (opening.balance + sum(page.amount) OVER (ORDER BY page.transfer_id))::bigint, t.metadata
FROM page JOIN ledger_transfer t ON t.id = page.transfer_id CROSS JOIN opening ORDER BY page.transfer_id DESC;
