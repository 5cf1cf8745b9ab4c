-- Named queries; `%(name)s` are their parameters.

-- name: next
-- The oldest undelivered news of a job that has no older one, so that a job's news comes in order even to several processes.
-- Locks: that row, skipping those that others deliver. Expected row count: none or one.
SELECT id, job_id, key, kind, state, signature, reason, at FROM solana_signer_event e
WHERE delivered_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM solana_signer_event older WHERE older.job_id = e.job_id AND older.id < e.id AND older.delivered_at IS NULL)
ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED

-- name: delivered
-- Expected row count: one.
UPDATE solana_signer_event SET delivered_at = clock_timestamp() WHERE id = %(id)s

-- name: waiting
-- Expected row count: one.
SELECT count(*) FROM solana_signer_event WHERE delivered_at IS NULL
