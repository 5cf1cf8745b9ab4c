-- name: lines
-- An account's transfers, newest first, before one of them: when it counts, what it changed, and the balance after it. Reads the ledger's own
-- tables, by their key, since its statement goes forward only. All that is older is summed up. At most the limit.
WITH page AS (
    SELECT e.transfer_id, e.amount FROM ledger_entry e
    WHERE e.account_id = %(account_id)s AND e.transfer_id < %(before)s
    ORDER BY e.transfer_id DESC LIMIT %(limit)s
), opening AS (
    SELECT coalesce(sum(e.amount), 0) AS balance FROM ledger_entry e
    WHERE e.account_id = %(account_id)s AND e.transfer_id < (SELECT min(transfer_id) FROM page)
)
SELECT page.transfer_id, coalesce(t.effective_at, t.recorded_at), page.amount,
    (opening.balance + sum(page.amount) OVER (ORDER BY page.transfer_id))::bigint, t.metadata
FROM page JOIN ledger_transfer t ON t.id = page.transfer_id CROSS JOIN opening ORDER BY page.transfer_id DESC;

-- name: whole
-- All of an account's transfers, newest first, in the columns of `lines`. For a cursor: one statement sees one moment, so that what is
-- committed while it is read, under whatever number, is in no line and no balance. One row for each.
SELECT e.transfer_id, coalesce(t.effective_at, t.recorded_at), e.amount,
    ((SELECT sum(all_of.amount) FROM ledger_entry all_of WHERE all_of.account_id = %(account_id)s)
        - sum(e.amount) OVER (ORDER BY e.transfer_id DESC) + e.amount)::bigint, t.metadata
FROM ledger_entry e JOIN ledger_transfer t ON t.id = e.transfer_id
WHERE e.account_id = %(account_id)s ORDER BY e.transfer_id DESC;
