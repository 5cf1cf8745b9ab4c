-- Named queries; `%(name)s` are their parameters. For the signer's role alone.

-- name: due
-- Jobs that wait and whose time has come, oldest first. Expected row count: up to the limit.
SELECT id FROM solana_signer_job WHERE state IN ('requested', 'expired') AND not_before <= statement_timestamp() ORDER BY not_before, id LIMIT %(limit)s

-- name: lock_day
-- One at a time past here, until the transaction ends: what was spent today is read and added to.
SELECT pg_advisory_xact_lock(hashtextextended('mutoscope solana signer', 0))

-- name: spent
-- Base units of a token that left by a kind of job within 24 hours, or still may. Expected row count: one.
SELECT coalesce(sum(amount), 0)::bigint FROM solana_signer_leg
WHERE binding AND kind = %(kind)s AND mint = %(mint)s AND signed_at > statement_timestamp() - interval '24 hours'

-- name: refunded
-- Base units of one receipt that went back, or still may. Expected row count: one.
SELECT coalesce(sum(l.amount), 0)::bigint FROM solana_signer_leg l JOIN solana_signer_job j ON j.id = l.job_id
WHERE l.binding AND j.receipt = %(receipt)s AND j.receiver = %(receiver)s AND j.mint = %(mint)s

-- name: reserved
-- Base units that signed and unsettled transactions may still take from a wallet. Expected row count: one.
SELECT coalesce(sum(l.amount), 0)::bigint FROM solana_signer_leg l JOIN solana_signer_attempt a ON a.id = l.attempt_id
WHERE l.binding AND a.state IN ('signed', 'sent', 'confirmed') AND l.origin = %(origin)s AND l.mint = %(mint)s AND l.kind <> 'reclaim'

-- name: reserved_fees
-- Expected row count: one.
SELECT coalesce(sum(fee_lamports), 0)::bigint FROM solana_signer_attempt WHERE state IN ('signed', 'sent', 'confirmed')

-- name: sign
-- The jobs of a transaction that was just signed. Expected row count: as many as were given, or the transaction must not be sent.
UPDATE solana_signer_job SET state = 'signed', signature = %(signature)s, attempts = attempts + 1, refusals = 0, reason = '',
    changed_at = clock_timestamp()
WHERE id = ANY(%(jobs)s) AND state IN ('requested', 'expired')

-- name: end
-- A job that no attempt binds. Expected row count: one, or none when it moved on.
UPDATE solana_signer_job SET state = %(state)s, reason = %(reason)s, moved = %(moved)s, changed_at = clock_timestamp()
WHERE id = %(job)s AND state IN ('requested', 'expired')

-- name: postpone
-- Expected row count: one, or none when it moved on.
UPDATE solana_signer_job SET reason = %(reason)s, refusals = refusals + %(refusal)s, alone = alone OR %(alone)s,
    not_before = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE id = %(job)s AND state IN ('requested', 'expired')

-- name: live
-- Transactions that may still land, oldest first.
SELECT id, signature, last_valid_block_height, wire, state, sent_at IS NULL OR sent_at < statement_timestamp() - make_interval(secs => %(again_s)s)
FROM solana_signer_attempt WHERE state IN ('signed', 'sent', 'confirmed') ORDER BY id LIMIT %(limit)s

-- name: move_attempt
-- Expected row count: one, or none when somebody else moved it.
UPDATE solana_signer_attempt SET state = %(to)s, slot = coalesce(%(slot)s, slot), error = %(error)s, changed_at = clock_timestamp()
WHERE id = %(attempt)s AND state = %(from)s

-- name: broadcast
-- It was handed to a node. Expected row count: the jobs it binds, when it was the first time.
WITH sent AS (
    UPDATE solana_signer_attempt SET sent_at = clock_timestamp(), changed_at = clock_timestamp(),
        state = CASE WHEN state = 'signed' THEN 'sent' ELSE state END
    WHERE id = %(attempt)s AND state IN ('signed', 'sent', 'confirmed') RETURNING id, state
)
UPDATE solana_signer_job j SET state = 'sent', changed_at = clock_timestamp()
FROM sent, solana_signer_leg l WHERE sent.state = 'sent' AND l.attempt_id = sent.id AND l.binding AND j.id = l.job_id AND j.state = 'signed'

-- name: move_jobs
-- The jobs that an attempt binds, to where it went. Expected row count: its legs.
UPDATE solana_signer_job j SET state = %(to)s, moved = CASE WHEN %(to)s = 'settled' THEN l.amount ELSE j.moved END,
    changed_at = clock_timestamp()
FROM solana_signer_leg l WHERE l.attempt_id = %(attempt)s AND l.binding AND j.id = l.job_id AND j.state IN ('signed', 'sent', 'confirmed')

-- name: release
-- The legs of an attempt that is provably without effect. Expected row count: its legs.
UPDATE solana_signer_leg SET binding = false WHERE attempt_id = %(attempt)s AND binding

-- name: after_release
-- What becomes of its jobs. Expected row count: its legs.
UPDATE solana_signer_job j SET state = %(to)s, reason = %(reason)s, alone = alone OR %(alone)s,
    not_before = clock_timestamp(), changed_at = clock_timestamp()
FROM solana_signer_leg l WHERE l.attempt_id = %(attempt)s AND j.id = l.job_id AND j.state IN ('signed', 'sent', 'confirmed')

-- name: report
-- Expected row count: one.
INSERT INTO solana_signer_report (id, beat_at, fee_address, fee_lamports, fee_low_lamports, payout_address, pool_low_water, trouble)
VALUES (1, clock_timestamp(), %(fee_address)s, %(fee_lamports)s, %(fee_low_lamports)s, %(payout_address)s, %(pool_low_water)s, %(trouble)s)
ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at, fee_address = excluded.fee_address,
    fee_lamports = coalesce(excluded.fee_lamports, solana_signer_report.fee_lamports), fee_low_lamports = excluded.fee_low_lamports,
    payout_address = excluded.payout_address, pool_low_water = excluded.pool_low_water, trouble = excluded.trouble

-- name: report_of_beginner
-- Of a signer that has not been able to work since it started, with another site's key perhaps: it knows no address, and does not
-- speak over one that works beside it. Expected row count: one, or none while another was well within half a minute.
INSERT INTO solana_signer_report (id, beat_at, fee_address, fee_lamports, fee_low_lamports, payout_address, pool_low_water, trouble)
VALUES (1, clock_timestamp(), %(fee_address)s, %(fee_lamports)s, %(fee_low_lamports)s, %(payout_address)s, %(pool_low_water)s, %(trouble)s)
ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at, trouble = excluded.trouble
WHERE solana_signer_report.trouble <> '' OR solana_signer_report.beat_at < clock_timestamp() - interval '30 seconds'
