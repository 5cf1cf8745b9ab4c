-- The checks of `verify`. All run in one REPEATABLE READ snapshot, so that they see one moment of a live ledger.
-- Those that take %(after)s and %(through)s read a range of transfer ids by primary key: the whole is one pass over the table.
-- The others are one pass over one table each, by hash or in the order of its key. None looks up row by row.

-- name: transfer_range
-- Where the next range ends. Expected row count: one.
SELECT max(id), count(*) FROM (SELECT id FROM ledger_transfer WHERE id > %(after)s ORDER BY id LIMIT %(limit)s) r

-- name: unbalanced
-- Transfers that are no payments, and do not sum to zero in a currency or name an account that does not exist. Expected: none.
SELECT j.id, a.currency, sum(n.amount)
FROM ledger_journal j CROSS JOIN LATERAL unnest((j.particulars).accounts, (j.particulars).amounts) n (account, amount)
LEFT JOIN ledger_account a ON a.id = n.account
WHERE j.payer IS NULL AND j.id > %(after)s AND j.id <= %(through)s
GROUP BY j.id, a.currency HAVING sum(n.amount) <> 0 OR a.currency IS NULL
LIMIT %(limit)s

-- name: payments_differ
-- Payments to or from an account that does not exist, or between currencies. That they sum to zero is how they are kept. Expected: none.
SELECT j.id, p.currency, a.currency, b.currency FROM ledger_journal j
LEFT JOIN ledger_account p ON p.id = j.payer LEFT JOIN ledger_account a ON a.id = j.payee LEFT JOIN ledger_account b ON b.id = j.payee_2
WHERE j.payer IS NOT NULL AND (p.currency = a.currency AND (j.payee_2 IS NULL OR p.currency = b.currency)) IS NOT TRUE
LIMIT %(limit)s

-- name: misshapen
-- Transfers that are neither a payment (a payer, one or two payees, each once, amounts above zero) nor have their legs in their
-- particulars, in order of account; that have not what their kind must have; or whose id no seal would reach. Expected: none.
SELECT j.id FROM ledger_journal j
CROSS JOIN LATERAL (
    SELECT coalesce((j.particulars).kind, CASE WHEN j.payer IS NOT NULL THEN 'single' END) AS kind,
        (j.particulars).accounts AS accounts, (j.particulars).amounts AS amounts, (j.particulars).effective_at AS effective_at,
        (j.particulars).expires_at AS expires_at, (j.particulars).refers_to AS refers_to
) p
WHERE j.id > %(after)s AND j.id <= %(through)s AND (
    j.id > 0
    AND (p.refers_to IS NOT NULL) = (p.kind IN ('post', 'void', 'expire', 'reversal'))
    AND (p.expires_at IS NULL OR p.kind = 'hold') AND (p.effective_at IS NULL OR p.kind <> 'hold')
    AND coalesce(p.effective_at >= timestamptz '1900-01-01Z' AND p.effective_at < timestamptz '9000-01-01Z', true)
    AND CASE WHEN j.payer IS NOT NULL THEN
            p.kind IN ('single', 'post', 'reversal') AND p.accounts IS NULL AND p.amounts IS NULL
            AND j.amount > 0 AND j.payee <> j.payer
            AND CASE WHEN j.payee_2 IS NULL THEN j.amount_2 IS NULL
                     ELSE j.amount_2 > 0 AND j.payee_2 <> j.payer AND j.payee_2 <> j.payee END
         ELSE num_nonnulls(j.payee, j.amount, j.payee_2, j.amount_2) = 0
            AND p.kind IN ('single', 'hold', 'post', 'void', 'expire', 'reversal')
            AND cardinality(p.accounts) = cardinality(p.amounts)
            AND CASE WHEN p.kind IN ('void', 'expire') THEN cardinality(p.accounts) = 0
                     ELSE cardinality(p.accounts) BETWEEN 2 AND 1000
                        AND array_ndims(p.accounts) = 1 AND array_lower(p.accounts, 1) = 1
                        AND array_ndims(p.amounts) = 1 AND array_lower(p.amounts, 1) = 1 END
            AND NOT EXISTS (SELECT FROM unnest(p.accounts) WITH ORDINALITY n (account, leg)
                            WHERE n.account <= p.accounts[n.leg - 1]) END) IS NOT TRUE
LIMIT %(limit)s

-- name: unfaithful
-- Reversals that do not mirror what they reverse, and ends of holds that are none or go beyond the hold. Expected: none.
SELECT t.id FROM ledger_transfer t LEFT JOIN ledger_transfer o ON o.id = t.refers_to
WHERE t.refers_to IS NOT NULL AND t.id > %(after)s AND t.id <= %(through)s AND (
    CASE WHEN t.kind = 'reversal' THEN o.kind IN ('single', 'post', 'reversal') AND o.accounts = t.accounts
              AND NOT EXISTS (SELECT FROM unnest(t.amounts, o.amounts) n (mine, theirs) WHERE mine <> -theirs)
         ELSE o.kind = 'hold' AND NOT EXISTS (
              SELECT FROM unnest(t.accounts, t.amounts) mine (account, amount)
              LEFT JOIN unnest(o.accounts, o.amounts) plan (account, amount) USING (account)
              WHERE plan.amount IS NULL OR sign(mine.amount) <> sign(plan.amount) OR abs(mine.amount) > abs(plan.amount))
    END) IS NOT TRUE
LIMIT %(limit)s

-- name: entries_differ
-- Transfers whose entries apart are not their legs, and entries apart of none that has any. A payment's entries are its own columns.
-- Compared by count, sum and a sum that depends on which account gets which amount. Expected: none.
WITH said AS (
    SELECT j.id, n.account, n.amount FROM ledger_journal j
    CROSS JOIN LATERAL unnest((j.particulars).accounts, (j.particulars).amounts) n (account, amount)
    WHERE j.payer IS NULL AND (j.particulars).kind IS DISTINCT FROM 'hold'
), both_sides AS (
    SELECT id, account, amount FROM said
    UNION ALL SELECT transfer_id, account_id, -amount FROM ledger_entry_apart
)
SELECT account, id, sum(amount) FROM both_sides GROUP BY account, id HAVING count(*) <> 2 OR sum(amount) <> 0
LIMIT %(limit)s

-- name: balances_differ
-- Accounts whose balance is not the sum of their entries, and entries of no account. Expected: none.
SELECT coalesce(a.id, e.account_id), a.available + a.held + coalesce(s.balance, 0) - a.gathered, coalesce(e.amount, 0)
FROM ledger_account a
LEFT JOIN (SELECT account_id, sum(balance) AS balance FROM ledger_sub_balance GROUP BY account_id) s ON s.account_id = a.id
FULL JOIN (SELECT account_id, sum(amount) AS amount FROM ledger_entry GROUP BY account_id) e ON e.account_id = a.id
WHERE a.available + a.held + coalesce(s.balance, 0) - a.gathered IS DISTINCT FROM coalesce(e.amount, 0)
LIMIT %(limit)s

-- name: overdrawn
-- Accounts below their limit, or that gathered more than came in. Expected: none.
SELECT a.id, a.available, a.held, a.gathered FROM ledger_account a
LEFT JOIN (SELECT account_id, sum(balance) AS balance, min(balance) AS least FROM ledger_sub_balance GROUP BY account_id) s
    ON s.account_id = a.id
WHERE a.held < 0 OR a.available < 0
    OR NOT a.may_go_negative AND (coalesce(s.least, 0) < 0 OR a.gathered > coalesce(s.balance, 0))
    OR a.may_go_negative AND (a.available <> 0 OR a.gathered <> 0)
LIMIT %(limit)s

-- name: held_differs
-- Accounts whose held amount is not what open holds would debit. Expected: none.
WITH open_holds AS (
    SELECT h.accounts, h.amounts FROM ledger_transfer h
    WHERE h.kind = 'hold' AND NOT EXISTS (SELECT FROM ledger_transfer r WHERE r.refers_to = h.id)
)
SELECT a.id, a.held, coalesce(h.amount, 0)
FROM ledger_account a
LEFT JOIN (SELECT n.account, -sum(n.amount) AS amount
             FROM open_holds CROSS JOIN LATERAL unnest(accounts, amounts) n (account, amount)
            WHERE n.amount < 0 GROUP BY n.account) h ON h.account = a.id
WHERE a.held <> coalesce(h.amount, 0)
LIMIT %(limit)s

-- name: open_holds_differ
-- Holds listed as open that ended, or the reverse, or that expire at another moment than is listed. Expected: none.
SELECT coalesce(o.transfer_id, t.id) FROM ledger_open_hold o
FULL JOIN (SELECT id, expires_at FROM ledger_transfer h WHERE kind = 'hold'
             AND NOT EXISTS (SELECT FROM ledger_transfer r WHERE r.refers_to = h.id)) t ON t.id = o.transfer_id
WHERE o.transfer_id IS NULL OR t.id IS NULL OR o.expires_at IS DISTINCT FROM t.expires_at
LIMIT %(limit)s

-- name: keys_repeated
-- Idempotency keys of two transfers, and transfers ended twice. Expected: none.
SELECT min(id), count(*) FROM ledger_transfer GROUP BY key HAVING count(*) > 1
UNION ALL SELECT min(id), count(*) FROM ledger_transfer WHERE refers_to IS NOT NULL GROUP BY refers_to HAVING count(*) > 1
LIMIT %(limit)s

-- name: references_differ
-- References and backdatings that are not what the transfers say. Expected: none.
SELECT coalesce(t.id, r.transfer_id), t.refers_to, r.earlier_id FROM (SELECT id, refers_to FROM ledger_transfer WHERE refers_to IS NOT NULL) t
FULL JOIN ledger_reference r ON r.transfer_id = t.id WHERE t.refers_to IS DISTINCT FROM r.earlier_id
UNION ALL
SELECT coalesce(t.id, b.transfer_id), NULL, NULL FROM (SELECT id, effective_at FROM ledger_transfer WHERE effective_at IS NOT NULL) t
FULL JOIN ledger_backdated b ON b.transfer_id = t.id WHERE t.effective_at IS DISTINCT FROM b.effective_at
LIMIT %(limit)s

-- name: snapshots_differ
-- Each account's last snapshot against its entries. Expected: none.
SELECT p.account_id, p.through_id, p.balance, coalesce(sum(e.amount), 0)
FROM (SELECT DISTINCT ON (account_id) account_id, through_id, balance FROM ledger_snapshot
      ORDER BY account_id, through_id DESC) p
LEFT JOIN ledger_entry e ON e.account_id = p.account_id AND e.transfer_id <= p.through_id
GROUP BY p.account_id, p.through_id, p.balance HAVING p.balance <> coalesce(sum(e.amount), 0)
LIMIT %(limit)s

-- name: currency_sums
-- Currencies whose accounts do not sum to zero. Expected: none.
SELECT a.currency, sum(a.available + a.held + coalesce(s.balance, 0) - a.gathered)
FROM ledger_account a
LEFT JOIN (SELECT account_id, sum(balance) AS balance FROM ledger_sub_balance GROUP BY account_id) s ON s.account_id = a.id
GROUP BY a.currency HAVING sum(a.available + a.held + coalesce(s.balance, 0) - a.gathered) <> 0
LIMIT %(limit)s

-- name: guards_missing
-- Guards that somebody dropped or disabled. Expected: none.
SELECT wanted FROM unnest(%(guards)s::text[]) wanted
WHERE NOT EXISTS (
    SELECT FROM pg_constraint k JOIN pg_type d ON d.oid = k.contypid
    WHERE k.conname = wanted AND k.convalidated AND d.typnamespace = current_schema()::regnamespace)
  AND NOT EXISTS (
    SELECT FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE t.tgname = wanted AND t.tgenabled IN ('O', 'A') AND c.relname LIKE 'ledger\_%%' AND c.relnamespace = current_schema()::regnamespace)
  AND NOT EXISTS (
    SELECT FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE k.conname = wanted AND k.convalidated AND c.relnamespace = current_schema()::regnamespace)
LIMIT %(limit)s

-- name: seals
-- Expected row count: one per seal, in order.
SELECT number, first_id, through_id, transfers, previous_hash, hash FROM ledger_seal ORDER BY number

-- name: seal_hash
-- A seal's hash, computed anew. Expected row count: one.
SELECT count(*), sha256(%(previous)s::bytea || coalesce(string_agg(ledger_leaf(t), '' ORDER BY t.id), ''))
FROM ledger_transfer t WHERE t.id >= %(first)s AND t.id <= %(through)s
