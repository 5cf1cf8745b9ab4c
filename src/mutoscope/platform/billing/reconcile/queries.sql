-- Each statement finds what should not be: rows of (what, number, ...), at most the limit, none when all is well. They pass over
-- whole tables, in one snapshot (service.py), and lock nothing.

-- name: purchase_without_transfer
-- A receipt whose transfer is not in the ledger, or moved other amounts than the receipt says.
-- The films of a bundle have one transfer together.
SELECT 'purchase', p.id, 'transfer', p.transfer_id FROM (
    SELECT min(id) AS id, transfer_id, viewer_id, channel_id, sum(fee_points) AS fee_points, sum(creator_points) AS creator_points
    FROM billing_purchase GROUP BY transfer_id, viewer_id, channel_id
) p
LEFT JOIN billing_bookaccount mine ON mine.kind = 'points' AND mine.owner_id = p.viewer_id
LEFT JOIN billing_bookaccount theirs ON theirs.kind = 'earnings' AND theirs.owner_id = p.channel_id
LEFT JOIN ledger_transfer t ON t.id = p.transfer_id AND t.kind = 'single'
WHERE p.transfer_id IS NOT NULL AND (t.id IS NULL
   OR t.amounts[array_position(t.accounts, mine.account_id)] IS DISTINCT FROM -(p.fee_points + p.creator_points)
   OR t.amounts[array_position(t.accounts, theirs.account_id)] IS DISTINCT FROM p.creator_points)
ORDER BY p.id LIMIT %(limit)s;

-- name: bundle_differs
-- A receipt of a bundle and those of its films that do not say the same: points, transfer, viewer, or whether it was refunded.
SELECT 'bundle purchase', b.id, 'films', count(p.id) FROM billing_bundlepurchase b
LEFT JOIN billing_purchase p ON p.bundle_purchase_id = b.id
GROUP BY b.id
HAVING count(p.id) = 0 OR sum(p.fee_points) <> b.fee_points OR sum(p.creator_points) <> b.creator_points
    OR bool_or(p.transfer_id <> b.transfer_id OR p.viewer_id <> b.viewer_id OR p.refunded_at IS DISTINCT FROM b.refunded_at)
ORDER BY b.id LIMIT %(limit)s;

-- name: coupon_differs
-- A code whose count of uses is not that of its receipts, or a receipt with something taken off that no code explains; and the reverse.
SELECT 'coupon', c.id, 'uses', count(u.id) FROM billing_coupon c LEFT JOIN billing_couponuse u ON u.coupon_id = c.id
GROUP BY c.id HAVING c.uses <> count(u.id)
UNION ALL
SELECT 'purchase', p.id, 'code', u.coupon_id FROM billing_purchase p LEFT JOIN billing_couponuse u ON u.purchase_id = p.id
WHERE p.discount_points <> coalesce(u.points_off, 0)
LIMIT %(limit)s;

-- name: tip_without_transfer
-- The same of tips.
SELECT 'tip', p.id, 'transfer', p.transfer_id FROM billing_tip p
LEFT JOIN billing_bookaccount mine ON mine.kind = 'points' AND mine.owner_id = p.viewer_id
LEFT JOIN billing_bookaccount theirs ON theirs.kind = 'earnings' AND theirs.owner_id = p.channel_id
LEFT JOIN ledger_transfer t ON t.id = p.transfer_id AND t.kind = 'single'
WHERE t.id IS NULL
   OR t.amounts[array_position(t.accounts, mine.account_id)] IS DISTINCT FROM -p.points
   OR t.amounts[array_position(t.accounts, theirs.account_id)] IS DISTINCT FROM p.creator_points
ORDER BY p.id LIMIT %(limit)s;

-- name: transfer_without_receipt
-- Points that moved for an unlock, a tip or a gift of which there is no record.
SELECT 'transfer', t.id, t.metadata->>'for', NULL FROM ledger_transfer t
WHERE t.kind = 'single' AND t.metadata->>'for' IN ('unlock', 'bundle', 'tip', 'grant')
  AND NOT EXISTS (SELECT FROM billing_purchase p WHERE p.transfer_id = t.id)
  AND NOT EXISTS (SELECT FROM billing_tip p WHERE p.transfer_id = t.id)
  AND NOT EXISTS (SELECT FROM billing_grant p WHERE p.transfer_id = t.id)
ORDER BY t.id LIMIT %(limit)s;

-- name: refund_differs
-- A purchase marked as refunded without a reversal of its transfer, or the reverse. Where a code took everything off, there is none.
SELECT 'purchase', p.id, 'reversal', t.id FROM billing_purchase p
LEFT JOIN billing_refund r ON r.purchase_id = p.id
LEFT JOIN ledger_transfer t ON t.refers_to = p.transfer_id AND t.kind = 'reversal'
WHERE (p.refunded_at IS NULL) <> (r.id IS NULL) OR (r.id IS NULL OR p.transfer_id IS NULL) <> (t.id IS NULL)
   OR r.transfer_id IS DISTINCT FROM t.id
ORDER BY p.id LIMIT %(limit)s;

-- name: entitlement_without_film
-- An entitlement, a receipt or a tip whose film or channel is gone: none of them has a constraint in the database.
SELECT 'entitlement', e.id, 'video', e.video_id FROM billing_entitlement e
WHERE NOT EXISTS (SELECT FROM videos_video v WHERE v.id = e.video_id)
UNION ALL
SELECT 'purchase', p.id, 'video', p.video_id FROM billing_purchase p
WHERE NOT EXISTS (SELECT FROM videos_video v WHERE v.id = p.video_id)
UNION ALL
SELECT 'purchase', p.id, 'channel', p.channel_id FROM billing_purchase p
WHERE NOT EXISTS (SELECT FROM accounts_channel c WHERE c.id = p.channel_id)
UNION ALL
SELECT 'tip', t.id, 'video', t.video_id FROM billing_tip t
WHERE NOT EXISTS (SELECT FROM videos_video v WHERE v.id = t.video_id)
UNION ALL
SELECT 'tip', t.id, 'channel', t.channel_id FROM billing_tip t
WHERE NOT EXISTS (SELECT FROM accounts_channel c WHERE c.id = t.channel_id)
LIMIT %(limit)s;

-- name: entitlement_without_purchase
-- A right to watch that nobody bought, or a count of changes that receipts and refunds do not explain; and the reverse.
SELECT 'entitlement', e.id, 'receipts', coalesce(p.changes, 0) FROM billing_entitlement e
LEFT JOIN (SELECT viewer_id, video_id, count(*) + count(refunded_at) AS changes FROM billing_purchase GROUP BY 1, 2) p
    ON p.viewer_id = e.viewer_id AND p.video_id = e.video_id
WHERE coalesce(p.changes, 0) <> e.version
UNION ALL
SELECT 'purchase', p.id, 'entitlement', NULL FROM billing_purchase p
WHERE NOT EXISTS (SELECT FROM billing_entitlement e WHERE e.viewer_id = p.viewer_id AND e.video_id = p.video_id)
LIMIT %(limit)s;

-- name: payout_differs
-- A payout under way whose points are not held, or one that ended whose hold did not end the same way.
SELECT 'payout', p.id, 'hold', p.hold_id FROM billing_payout p
LEFT JOIN ledger_transfer h ON h.id = p.hold_id AND h.kind = 'hold'
LEFT JOIN ledger_open_hold o ON o.transfer_id = p.hold_id
LEFT JOIN ledger_transfer t ON t.id = p.ended_by_id AND t.refers_to = p.hold_id
LEFT JOIN billing_bookaccount mine ON mine.kind = 'earnings' AND mine.owner_id = p.channel_id
WHERE h.id IS NULL
   OR h.amounts[array_position(h.accounts, mine.account_id)] IS DISTINCT FROM -p.points
   OR (p.state IN ('waiting', 'approved')) <> (o.transfer_id IS NOT NULL)
   OR (p.state NOT IN ('waiting', 'approved') AND t.kind IS DISTINCT FROM CASE p.state WHEN 'paid' THEN 'post' ELSE 'void' END)
ORDER BY p.id LIMIT %(limit)s;

-- name: hold_without_payout
-- Points that are held for a payout which is not there.
SELECT 'hold', h.id, h.key, NULL FROM ledger_open_hold o JOIN ledger_transfer h ON h.id = o.transfer_id
WHERE h.metadata->>'for' = 'payout' AND NOT EXISTS (SELECT FROM billing_payout p WHERE p.hold_id = h.id)
ORDER BY h.id LIMIT %(limit)s;

-- name: account_differs
-- An account of the books that is not the ledger's account of that owner and kind.
SELECT 'account', b.account_id, b.kind, b.owner_id FROM billing_bookaccount b
LEFT JOIN ledger_account a ON a.id = b.account_id
WHERE a.id IS NULL OR a.kind <> b.kind OR a.currency <> 'PTS' OR a.owner <> CASE b.kind
    WHEN 'points' THEN 'person:' || b.owner_id WHEN 'earnings' THEN 'channel:' || b.owner_id ELSE 'house' END
ORDER BY b.id LIMIT %(limit)s;

-- name: transfers_not_sealed
-- Transfers that two nights and more did not seal. Those after the last seal are one day's, so a range of the primary key.
SELECT 'transfer', t.id, 'recorded', t.recorded_at FROM ledger_transfer t
WHERE t.id > coalesce((SELECT s.through_id FROM ledger_seal s ORDER BY s.number DESC LIMIT 1), 0)
  AND t.recorded_at < statement_timestamp() - interval '2 days'
ORDER BY t.id LIMIT %(limit)s;

-- name: receipts_by_film
-- Of the next entitlements by id, at most a batch, every receipt that still counts with its entitlement, those of one entitlement together and in their order: what each lets
-- watch is worked out by the same rules as when it was bought (domain/terms.py). One row for each receipt, and one for an entitlement
-- all of whose receipts were refunded. In batches by id, as a cursor of the client's would fetch all rows there are.
SELECT e.id, e.expires_at, p.term, p.bought_at, p.is_upgrade,
    (SELECT max(r.refunded_at) FROM billing_purchase r WHERE r.viewer_id = e.viewer_id AND r.video_id = e.video_id)
FROM (SELECT id, expires_at, viewer_id, video_id FROM billing_entitlement WHERE id > %(after)s ORDER BY id LIMIT %(batch)s) e
LEFT JOIN billing_purchase p ON p.viewer_id = e.viewer_id AND p.video_id = e.video_id AND p.refunded_at IS NULL
ORDER BY e.id, p.number;

-- name: top_up_differs
-- A top-up whose transfer is not in the ledger, moved other amounts, or whose payment never became final.
SELECT 'top-up', u.id, 'transfer', u.transfer_id FROM billing_topup u
LEFT JOIN mutoscope_solana_payment p ON p.id = u.payment_id
LEFT JOIN billing_bookaccount mine ON mine.kind = 'points' AND mine.owner_id = u.person_id
LEFT JOIN ledger_transfer t ON t.id = u.transfer_id AND t.kind = 'single'
WHERE u.transfer_id IS NOT NULL
  AND (t.id IS NULL OR p.status IS DISTINCT FROM 'settled'
       OR t.amounts[array_position(t.accounts, mine.account_id)] IS DISTINCT FROM u.points + u.bonus_points
       OR t.metadata->>'payment' IS DISTINCT FROM u.payment_id::text)
ORDER BY u.id LIMIT %(limit)s;

-- name: payment_not_credited
-- Money that is final for a top-up that was not credited, though the news of it was told, given up, or never written. News that is
-- still to be told is no difference: it is under way.
SELECT 'top-up', u.id, 'payment', u.payment_id FROM billing_topup u
JOIN mutoscope_solana_payment p ON p.id = u.payment_id
WHERE u.transfer_id IS NULL AND p.status = 'settled'
  AND NOT EXISTS (SELECT FROM mutoscope_solana_event e WHERE e.payment_id = p.id AND e.name = 'settled' AND e.due_at IS NOT NULL)
ORDER BY u.id LIMIT %(limit)s;

-- name: credit_without_payment
-- Points that came in for a payment of which there is no top-up that says so.
SELECT 'transfer', t.id, 'payment', t.metadata->>'payment' FROM ledger_transfer t
WHERE t.kind = 'single' AND t.metadata->>'for' = 'top-up'
  AND NOT EXISTS (SELECT FROM billing_topup u WHERE u.transfer_id = t.id)
ORDER BY t.id LIMIT %(limit)s;

-- name: payout_job_differs
-- A payout that the signer was asked for, and its job: missing, of another amount, token or address, or ended otherwise. While the
-- signer's news is still to be told, its end is under way.
SELECT 'payout', p.id, 'job', j.id FROM billing_payout p
LEFT JOIN billing_payoutaddress a ON a.id = p.address_id
LEFT JOIN solana_signer_job j ON j.kind = 'payout' AND j.key = 'payout:' || p.channel_id || ':' || p.number
WHERE p.progress <> ''
  AND (j.id IS NULL OR (j.amount, j.mint, j.destination) IS DISTINCT FROM (p.amount, p.mint, a.address)
       OR (p.state = 'paid' AND (j.state <> 'settled' OR j.signature <> p.reference OR j.moved IS DISTINCT FROM p.amount))
       OR (p.state IN ('failed', 'voided') AND j.state <> p.state)
       OR (p.state = 'approved' AND j.state IN ('settled', 'failed', 'voided')
           AND NOT EXISTS (SELECT FROM solana_signer_event e WHERE e.job_id = j.id AND e.delivered_at IS NULL))
       OR p.state IN ('waiting', 'refused', 'cancelled'))
ORDER BY p.id LIMIT %(limit)s;

-- name: job_without_payout
-- A payment to somebody that the signer was asked for in the name of a payout which is not there, or was never approved.
SELECT 'job', j.id, j.key, j.state FROM solana_signer_job j
WHERE j.kind = 'payout' AND j.key ~ '^payout:[0-9]+:[0-9]+$'
  AND NOT EXISTS (SELECT FROM billing_payout p WHERE p.progress <> '' AND j.key = 'payout:' || p.channel_id || ':' || p.number)
ORDER BY j.id LIMIT %(limit)s;

-- name: top_up_refund_differs
-- A refund of a top-up's money that was approved, and the signer's job: missing, of another amount, receipt or address, or ended
-- otherwise. While the signer's news is still to be told, its end is under way. One that was sent by hand must not be the signer's as well.
SELECT 'top-up refund', r.id, 'job', j.id FROM billing_topuprefund r
LEFT JOIN billing_refundaddress a ON a.id = r.address_id
LEFT JOIN solana_signer_job j ON j.kind = 'refund' AND j.key = 'top-up-refund:' || r.id
WHERE (r.progress = 'by_hand' AND j.state NOT IN ('failed', 'voided'))
  OR r.progress NOT IN ('', 'by_hand')
  AND (j.id IS NULL
       OR (j.amount, j.mint, j.receipt, j.receiver, j.destination)
          IS DISTINCT FROM (r.amount, r.mint, r.receipt, r.receiver, coalesce(a.address, ''))
       OR (r.state = 'paid' AND (j.state <> 'settled' OR j.signature <> r.signature OR j.moved IS DISTINCT FROM r.amount))
       OR (r.state IN ('failed', 'voided') AND j.state <> r.state)
       OR (r.state = 'approved' AND j.state IN ('settled', 'failed', 'voided')
           AND NOT EXISTS (SELECT FROM solana_signer_event e WHERE e.job_id = j.id AND e.delivered_at IS NULL)))
ORDER BY r.id LIMIT %(limit)s;

-- name: job_without_top_up_refund
-- The signer was asked to send back money of a top-up that no refund on record names.
SELECT 'job', j.id, j.key, j.state FROM solana_signer_job j
WHERE j.kind = 'refund' AND j.state NOT IN ('failed', 'voided')
  AND (j.key ~ '^top-up-refund:[0-9]+$'
       OR EXISTS (SELECT FROM mutoscope_solana_transfer t JOIN billing_topup u ON u.payment_id = t.payment_id
                  WHERE t.signature = j.receipt AND t.owner = j.receiver))
  AND NOT EXISTS (SELECT FROM billing_topuprefund r WHERE r.progress <> '' AND j.key = 'top-up-refund:' || r.id)
ORDER BY j.id LIMIT %(limit)s;

-- name: refunded_and_credited
-- Of a top-up, more went back, or still may, than arrived beyond the price of what was credited. Rows of (top-up, refunded, there).
SELECT 'top-up', u.id, sum(j.amount)::text, money.beyond::text FROM billing_topup u
JOIN mutoscope_solana_payment p ON p.id = u.payment_id
JOIN LATERAL (
    SELECT t.token_id, t.mint, sum(t.amount) - coalesce(max(price.amount), 0) AS beyond
    FROM mutoscope_solana_transfer t
    LEFT JOIN mutoscope_solana_price price
        ON price.payment_id = p.id AND price.token_id = t.token_id AND p.status = 'settled' AND p.paid_in_id = t.token_id
    WHERE t.payment_id = p.id AND t.amount > 0 GROUP BY t.token_id, t.mint
) money ON true
JOIN (
    SELECT receipt, receiver, mint, amount FROM solana_signer_job WHERE kind = 'refund' AND state NOT IN ('failed', 'voided')
    UNION ALL
    SELECT receipt, receiver, mint, amount FROM billing_topuprefund WHERE progress = 'by_hand'
) j ON j.mint = money.mint
    AND EXISTS (SELECT FROM mutoscope_solana_transfer t
                WHERE t.payment_id = p.id AND t.signature = j.receipt AND t.owner = j.receiver AND t.mint = j.mint)
GROUP BY u.id, money.token_id, money.beyond HAVING sum(j.amount) > money.beyond
ORDER BY u.id LIMIT %(limit)s;

-- name: sweep_refused
-- Money of ended payments that is still where it came to, since the last sweep of it that was asked for moved nothing.
SELECT 'wallet', a.owner, 'job', j.id, j.reason FROM mutoscope_solana_watchedaccount a
JOIN mutoscope_solana_token t ON t.id = a.token_id
JOIN solana_wallet w ON w.address = a.owner
JOIN LATERAL (SELECT j.id, j.state, j.reason FROM solana_signer_job j
              WHERE j.kind = 'sweep' AND j.wallet_id = w.id AND j.mint = t.mint ORDER BY j.id DESC LIMIT 1) j
    ON j.state IN ('failed', 'voided')
WHERE a.kind = 'one_time' AND a.recorded > 0 ORDER BY a.id LIMIT %(limit)s;

-- name: statement_number_missing
-- Numbers between 1 and a year's highest that no statement has.
SELECT 'year', s.year, 'number', n FROM (SELECT year, max(number) AS highest FROM billing_monthlystatement GROUP BY year) s
CROSS JOIN LATERAL generate_series(1, s.highest) AS n
WHERE NOT EXISTS (SELECT FROM billing_monthlystatement m WHERE m.year = s.year AND m.number = n)
ORDER BY s.year, n LIMIT %(limit)s;
