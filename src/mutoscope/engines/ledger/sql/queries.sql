-- What Python asks. One named query each; `%(name)s` are its parameters.

-- name: pay
-- One round trip. The door itself, because PostgreSQL plans an INSERT sooner than a call of a function around it.
-- Expected row count: one.
INSERT INTO ledger_payment (key, payer, payee, amount, payee_2, amount_2, metadata) VALUES (%s, %s, %s, %s, %s, %s, %s)
RETURNING outcome, transfer_id, recorded_at, payer, amount + coalesce(amount_2, 0), available

-- name: post
-- Expected row count: one.
INSERT INTO ledger_posting (key, accounts, amounts, metadata) VALUES (%s, %s, %s, %s)
RETURNING outcome, transfer_id, recorded_at, account_id, needed, available

-- name: post_backdated
-- Expected row count: one.
INSERT INTO ledger_posting (key, accounts, amounts, metadata, effective_at) VALUES (%s, %s, %s, %s, %s)
RETURNING outcome, transfer_id, recorded_at, account_id, needed, available

-- name: with_own
-- `pay`, `post` or `post_backdated`, and a statement of the caller's that reads `posted`. Expected row count: one.
WITH answer AS ({post}), posted AS (SELECT transfer_id, recorded_at FROM answer WHERE outcome = 'posted'), own AS ({own})
SELECT * FROM answer

-- name: hold
-- The expiry is counted from the database's clock. Expected row count: one.
SELECT * FROM ledger_post(%(key)s, %(accounts)s::bigint[], %(amounts)s::bigint[], %(metadata)s::jsonb, NULL, 'hold', NULL,
    clock_timestamp() + %(lasts)s::interval)

-- name: post_many
-- Expected row count: one per transfer, in the order given.
SELECT * FROM ledger_post_many(%s::text[], %s::integer[], %s::jsonb[], %s::timestamptz[], %s::integer[], %s::bigint[], %s::bigint[])

-- name: reverse
-- Expected row count: one.
SELECT * FROM ledger_refer(%(key)s, 'reversal', %(transfer)s, NULL, NULL, %(metadata)s::jsonb, %(effective_at)s::timestamptz)

-- name: post_hold
-- Expected row count: one.
SELECT * FROM ledger_refer(%(key)s, 'post', %(hold)s, %(accounts)s::bigint[], %(amounts)s::bigint[], %(metadata)s::jsonb)

-- name: void_hold
-- Expected row count: one.
SELECT * FROM ledger_refer(%(key)s, 'void', %(hold)s, NULL, NULL, %(metadata)s::jsonb)

-- name: expire_holds
-- Expected row count: one.
SELECT ledger_expire_holds(%(limit)s)

-- name: open_account
-- Expected row count: one.
SELECT * FROM ledger_open_account(%(owner)s, %(kind)s, %(currency)s, %(may_go_negative)s)

-- name: find_account
-- Expected row count: none or one.
SELECT id, owner, kind, currency, may_go_negative FROM ledger_account
WHERE owner = %(owner)s AND kind = %(kind)s AND currency = %(currency)s

-- name: account_by_id
-- Expected row count: none or one.
SELECT id, owner, kind, currency, may_go_negative FROM ledger_account WHERE id = %(account)s

-- name: accounts
-- Expected row count: at most the limit. Ordered by id, after the one given.
SELECT id, owner, kind, currency, may_go_negative FROM ledger_account
WHERE id > %(after)s AND (%(owner)s::text IS NULL OR owner = %(owner)s) ORDER BY id LIMIT %(limit)s

-- name: balance
-- The own row and the sub-balances in one snapshot. Expected row count: none or one.
SELECT (a.available + a.held - a.gathered + coalesce((SELECT sum(s.balance) FROM ledger_sub_balance s WHERE s.account_id = a.id), 0))::bigint,
    a.held::bigint
FROM ledger_account a WHERE a.id = %(account)s

-- name: balance_at
-- Balance from the transfers recorded up to a moment. Starts from the last snapshot of before, and does not look past
-- the first seal after which everything is later: so it reads what the account did between two snapshots.
-- Expected row count: one, or none for an account that does not exist.
WITH start AS (
    SELECT p.through_id, p.balance FROM ledger_snapshot p
    WHERE p.account_id = %(account)s
      AND p.through_id <= (SELECT max(s.through_id) FROM ledger_seal s WHERE s.recorded_until <= %(moment)s)
    ORDER BY p.through_id DESC LIMIT 1
), stop AS (
    SELECT min(s.first_id) AS first_id FROM ledger_seal s
    WHERE s.number > coalesce((SELECT max(b.number) FROM ledger_seal b WHERE b.recorded_from <= %(moment)s), 0)
)
SELECT (coalesce((SELECT balance FROM start), 0) + coalesce((
    SELECT sum(e.amount) FROM ledger_entry e JOIN ledger_transfer t ON t.id = e.transfer_id
    WHERE e.account_id = %(account)s AND e.transfer_id > coalesce((SELECT through_id FROM start), 0)
      AND e.transfer_id < coalesce((SELECT first_id FROM stop), 9223372036854775807)
      AND t.recorded_at <= %(moment)s), 0))::bigint
WHERE EXISTS (SELECT FROM ledger_account a WHERE a.id = %(account)s)

-- name: backdating_at
-- What effective times change about a balance at a moment: transfers that took effect earlier or later than they were
-- recorded. Expected row count: one.
SELECT coalesce(sum(CASE WHEN t.effective_at <= %(moment)s THEN e.amount ELSE -e.amount END), 0)::bigint
FROM ledger_backdated b JOIN ledger_transfer t ON t.id = b.transfer_id
JOIN ledger_entry e ON e.transfer_id = t.id AND e.account_id = %(account)s
WHERE (t.effective_at <= %(moment)s) <> (t.recorded_at <= %(moment)s)

-- name: statement
-- One page of an account's entries in the order of transfer ids, each with the balance after it. The opening balance is the one
-- given, or is counted from the last snapshot before the page. Expected row count: at most the limit.
WITH start AS (
    SELECT p.through_id, p.balance FROM ledger_snapshot p
    WHERE p.account_id = %(account)s AND p.through_id <= %(after)s ORDER BY p.through_id DESC LIMIT 1
), opening AS (
    SELECT coalesce(%(opening)s::bigint, coalesce((SELECT balance FROM start), 0) + coalesce((
        SELECT sum(e.amount) FROM ledger_entry e
        WHERE e.account_id = %(account)s AND e.transfer_id <= %(after)s
          AND e.transfer_id > coalesce((SELECT through_id FROM start), 0)), 0)) AS balance
), page AS (
    SELECT e.transfer_id, e.amount FROM ledger_entry e
    WHERE e.account_id = %(account)s AND e.transfer_id > %(after)s
    ORDER BY e.transfer_id LIMIT %(limit)s
)
SELECT page.transfer_id, t.recorded_at, coalesce(t.effective_at, t.recorded_at), t.kind, t.key, page.amount,
    (opening.balance + sum(page.amount) OVER (ORDER BY page.transfer_id))::bigint, t.metadata
FROM page JOIN ledger_transfer t ON t.id = page.transfer_id CROSS JOIN opening ORDER BY page.transfer_id

-- name: transfer
-- Expected row count: none or one.
SELECT t.id, t.kind, t.key, t.recorded_at, t.effective_at, t.expires_at, t.refers_to, t.link_id, t.metadata, t.accounts, t.amounts
FROM ledger_transfer t WHERE t.id = %(transfer)s

-- name: export_transfers
-- One page of whole transfers in order of id. Expected row count: at most the limit.
SELECT t.id, t.kind, t.key, t.recorded_at, t.effective_at, t.expires_at, t.refers_to, t.link_id, t.metadata, t.accounts, t.amounts
FROM ledger_transfer t WHERE t.id > %(after)s ORDER BY t.id LIMIT %(limit)s

-- name: trial_balance
-- Balances by currency and kind of account; each currency sums to zero. Expected row count: one per kind and currency.
SELECT a.currency, a.kind, count(*), sum(a.available + a.held + coalesce(s.balance, 0) - a.gathered)::numeric, sum(a.held)::numeric
FROM ledger_account a
LEFT JOIN (SELECT account_id, sum(balance) AS balance FROM ledger_sub_balance GROUP BY account_id) s ON s.account_id = a.id
GROUP BY a.currency, a.kind ORDER BY a.currency, a.kind

-- name: last_drawn_id
-- Every transfer id up to this one was drawn by a transaction that is running or has ended. And who asks, and whether that role may
-- seal: to one that may not read the sequence, PostgreSQL says that nothing was ever drawn. Expected row count: one.
SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('ledger_journal', 'id')), 0), current_user,
    has_sequence_privilege(pg_get_serial_sequence('ledger_journal', 'id'), 'SELECT, USAGE')
        AND has_table_privilege('ledger_seal', 'INSERT') AND has_table_privilege('ledger_snapshot', 'INSERT')
        AND has_table_privilege('ledger_sealing', 'INSERT')

-- name: next_transaction
-- Expected row count: one.
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint

-- name: oldest_transaction
-- Expected row count: one.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint

-- name: sealing_lag
-- How many seconds ago the last seal was made, and how many the oldest transfer after it has waited; null where there is none.
-- Expected row count: one.
SELECT extract(epoch FROM clock_timestamp() - (SELECT sealed_at FROM ledger_seal ORDER BY number DESC LIMIT 1))::float8,
    extract(epoch FROM clock_timestamp() - (
        SELECT t.recorded_at FROM ledger_transfer t
        WHERE t.id > coalesce((SELECT through_id FROM ledger_seal ORDER BY number DESC LIMIT 1), 0)
        ORDER BY t.id LIMIT 1))::float8

-- name: snapshot_due
-- Whether no snapshot of balances was taken today (UTC). Expected row count: one.
SELECT NOT EXISTS (SELECT FROM ledger_seal WHERE snapshot AND sealed_at >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')

-- name: seal
-- Expected row count: one.
INSERT INTO ledger_sealing (through, batch, snapshot) VALUES (%(through)s, %(batch)s, %(snapshot)s) RETURNING transfers

-- name: role_to_restrict
-- The schema and the role, quoted, and whether the role can act as the tables' owner. Expected row count: none or one.
SELECT quote_ident(current_schema()), quote_ident(r.rolname), pg_has_role(r.oid, c.relowner, 'MEMBER')
FROM pg_roles r CROSS JOIN pg_class c WHERE r.rolname = %(role)s AND c.oid = 'ledger_journal'::regclass

-- name: tables_it_writes
-- Those of the ledger's tables that a role may write, by whatever right. Expected row count: none.
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relname LIKE 'ledger\_%%' AND c.relkind = 'r'
    AND has_table_privilege(%(role)s, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') ORDER BY c.relname
