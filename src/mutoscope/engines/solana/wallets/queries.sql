-- Named queries; `%(name)s` are their parameters.

-- name: claim
-- Give the oldest free wallet to a reference, in the caller's transaction. Locks: that row, skipping those that others are claiming.
-- Expected row count: one, or none when the pool is empty.
UPDATE solana_wallet SET reference = %(reference)s, claimed_at = clock_timestamp()
WHERE id = (
    SELECT id FROM solana_wallet WHERE reference IS NULL AND withdrawn_at IS NULL
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id, epoch, index, address, reference, created_at, claimed_at, withdrawn_at

-- name: claimed
-- Expected row count: none or one.
SELECT id, epoch, index, address, reference, created_at, claimed_at, withdrawn_at FROM solana_wallet WHERE reference = %(reference)s

-- name: free
-- How many are free, counted no further than the bound. Expected row count: one.
SELECT count(*) FROM (SELECT 1 FROM solana_wallet WHERE reference IS NULL AND withdrawn_at IS NULL LIMIT %(bound)s) AS free

-- name: add
-- New addresses into the pool. Expected row count: as many as were given.
INSERT INTO solana_wallet (epoch, index, address)
SELECT %(epoch)s, index, address FROM unnest(%(indices)s::bigint[], %(addresses)s::text[]) AS derived(index, address)

-- name: withdraw
-- Take the unclaimed wallets of earlier epochs out of the pool. Those being claimed at this moment stay theirs. Expected row count: any.
UPDATE solana_wallet SET withdrawn_at = clock_timestamp()
WHERE reference IS NULL AND withdrawn_at IS NULL AND epoch < %(epoch)s
