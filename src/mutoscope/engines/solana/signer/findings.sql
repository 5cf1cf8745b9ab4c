-- Named queries.

-- name: report
-- Expected row count: none or one.
SELECT extract(epoch FROM clock_timestamp() - beat_at)::float, trouble, fee_address, fee_lamports, fee_low_lamports, payout_address, pool_low_water
FROM solana_signer_report

-- name: oldest
-- Age of the oldest job that is not ended. Expected row count: one.
SELECT coalesce(extract(epoch FROM clock_timestamp() - min(requested_at)), 0)::float FROM solana_signer_job
WHERE state NOT IN ('settled', 'failed', 'voided')

-- name: by_state
-- Expected row count: kinds by states.
SELECT kind, state, count(*) FROM solana_signer_job GROUP BY kind, state ORDER BY kind, state
