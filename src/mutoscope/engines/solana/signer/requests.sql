-- Named queries; `%(name)s` are their parameters. For the role of web and workers, which may insert here and never update.

-- name: ask
-- Expected row count: one, or none when the key or the wallet's account is taken.
INSERT INTO solana_signer_job (key, kind, wallet_id, mint, destination, amount, receipt, receiver, state, reason, attempts, refusals, alone,
    signature, not_before, requested_at, changed_at)
VALUES (%(key)s, %(kind)s, %(wallet_id)s, %(mint)s, %(destination)s, %(amount)s, %(receipt)s, %(receiver)s, 'requested', '', 0, 0, false,
    '', now(), now(), now())
ON CONFLICT DO NOTHING

-- name: under_way
-- Expected row count: none or one.
SELECT id FROM solana_signer_job
WHERE kind = %(kind)s AND wallet_id = %(wallet)s AND mint = %(mint)s AND state NOT IN ('settled', 'failed', 'voided')

-- name: how_many
-- Expected row count: one.
SELECT count(*) FROM solana_signer_job WHERE kind = %(kind)s AND wallet_id = %(wallet)s AND mint = %(mint)s
