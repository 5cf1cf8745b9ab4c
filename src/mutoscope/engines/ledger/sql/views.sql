-- The journal as it is read: every transfer with its legs in order of account, and every account's entries.

CREATE OR REPLACE VIEW ledger_transfer AS
SELECT j.id, j.recorded_at, (j.particulars).effective_at, (j.particulars).expires_at, (j.particulars).refers_to, (j.particulars).link_id,
    coalesce((j.particulars).kind, 'single') AS kind, j.key,
    CASE WHEN j.payer IS NULL THEN (j.particulars).accounts
         WHEN j.payee_2 IS NULL THEN CASE WHEN j.payer < j.payee THEN ARRAY[j.payer, j.payee] ELSE ARRAY[j.payee, j.payer] END
         WHEN j.payer < p.low THEN ARRAY[j.payer, p.low, p.high]
         WHEN j.payer < p.high THEN ARRAY[p.low, j.payer, p.high]
         ELSE ARRAY[p.low, p.high, j.payer] END AS accounts,
    CASE WHEN j.payer IS NULL THEN (j.particulars).amounts
         WHEN j.payee_2 IS NULL THEN CASE WHEN j.payer < j.payee THEN ARRAY[-j.amount, j.amount] ELSE ARRAY[j.amount, -j.amount] END
         WHEN j.payer < p.low THEN ARRAY[p.paid, p.to_low, p.to_high]
         WHEN j.payer < p.high THEN ARRAY[p.to_low, p.paid, p.to_high]
         ELSE ARRAY[p.to_low, p.to_high, p.paid] END AS amounts,
    j.metadata
FROM ledger_journal j
CROSS JOIN LATERAL (
    SELECT least(j.payee, j.payee_2) AS low, greatest(j.payee, j.payee_2) AS high, -(j.amount + j.amount_2) AS paid,
        CASE WHEN j.payee < j.payee_2 THEN j.amount ELSE j.amount_2 END AS to_low,
        CASE WHEN j.payee < j.payee_2 THEN j.amount_2 ELSE j.amount END AS to_high
) p;

-- One row for each account of a transfer that was posted. PostgreSQL merges four indexes to read those of one account in order. It does so
-- only where the parts of the UNION have no WHERE of their own: so what a payment has not (a second payee) is left out above them.
CREATE OR REPLACE VIEW ledger_entry AS
SELECT e.account_id, e.transfer_id, e.amount FROM (
    SELECT j.payer AS account_id, j.id AS transfer_id, -(j.amount + coalesce(j.amount_2, 0)) AS amount FROM ledger_journal j
    UNION ALL SELECT j.payee, j.id, j.amount FROM ledger_journal j
    UNION ALL SELECT j.payee_2, j.id, j.amount_2 FROM ledger_journal j
    UNION ALL SELECT a.account_id, a.transfer_id, a.amount FROM ledger_entry_apart a
) e WHERE e.account_id IS NOT NULL;
