-- name: unswept
-- Ended payments in whose one-time wallets recorded money lies, oldest first. What bought no points waits `held_for` in the wallet
-- that it came to, and as long as somebody who asked for it waits: from there it goes back without any other money. Not what is worth
-- less than the least of its token, what is being swept, nor what the signer refused not longer ago than `patience`: all of them
-- before the limit, so that none of them keeps the rest from its turn. At most the limit.
SELECT DISTINCT p.public_id, p.id FROM mutoscope_solana_watchedaccount a
JOIN unnest(%(tokens)s::bigint[], %(minima)s::numeric[]) AS least (token_id, amount)
    ON least.token_id = a.token_id AND a.recorded >= least.amount
JOIN mutoscope_solana_token t ON t.id = a.token_id
JOIN mutoscope_solana_payment p ON p.id = a.payment_id AND p.receives_by = 'wallet' AND p.status IN ('settled', 'expired')
JOIN solana_wallet w ON w.address = a.owner
WHERE a.kind = 'one_time' AND a.recorded > 0
  AND NOT (p.money IN ('over', 'double', 'late', 'partial', 'foreign')
           AND p.changed_at > statement_timestamp() - %(held_for)s::interval)
  AND NOT EXISTS (SELECT FROM billing_topup u JOIN billing_topuprefund r ON r.top_up_id = u.id
                  WHERE u.payment_id = p.id AND r.state IN ('requested', 'approved'))
  AND NOT EXISTS (SELECT FROM solana_signer_job j
                  WHERE j.kind = 'sweep' AND j.wallet_id = w.id AND j.mint = t.mint AND j.state <> 'settled'
                    AND (j.state NOT IN ('failed', 'voided') OR j.changed_at > statement_timestamp() - %(patience)s::interval))
ORDER BY p.id LIMIT %(limit)s;

-- name: empty
-- Ended payments whose token accounts were emptied by a sweep that is final and whose rent was not asked back since, or was refused
-- longer ago than `patience`, oldest first. At most the limit.
SELECT DISTINCT p.public_id, p.id FROM solana_signer_job j
JOIN solana_wallet w ON w.id = j.wallet_id
JOIN mutoscope_solana_watchedaccount a ON a.owner = w.address AND a.recorded = 0
JOIN mutoscope_solana_token t ON t.id = a.token_id AND t.mint = j.mint
JOIN mutoscope_solana_payment p ON p.id = a.payment_id AND p.status IN ('settled', 'expired')
WHERE j.kind = 'sweep' AND j.state = 'settled' AND j.mint <> ''
  AND NOT EXISTS (SELECT FROM solana_signer_job r
                  WHERE r.kind = 'reclaim' AND r.wallet_id = j.wallet_id AND r.mint = j.mint AND r.id > j.id
                    AND (r.state NOT IN ('failed', 'voided') OR r.changed_at > statement_timestamp() - %(patience)s::interval))
ORDER BY p.id LIMIT %(limit)s;

-- name: holdings
-- Where the money is that came in, in base units by token: lying in wallets of payments that are open, waiting for a refund, waiting
-- to be swept, being swept, swept; and what went back. A few rows for each token.
SELECT found.place, found.symbol, found.decimals, sum(found.amount)::text, count(*) FROM (
    SELECT CASE
            WHEN a.kind = 'receiving' THEN 'main wallet, by reference'
            WHEN p.status NOT IN ('settled', 'expired') THEN 'one-time wallets, still open'
            WHEN EXISTS (SELECT FROM solana_signer_job j JOIN solana_wallet w ON w.id = j.wallet_id
                         WHERE j.kind = 'sweep' AND w.address = a.owner AND j.mint = t.mint
                           AND j.state NOT IN ('settled', 'failed', 'voided')) THEN 'one-time wallets, being swept'
            WHEN p.money IN ('over', 'double', 'late', 'partial', 'foreign')
                AND p.changed_at > statement_timestamp() - %(held_for)s::interval THEN 'one-time wallets, kept for refunds'
            ELSE 'one-time wallets, to be swept' END AS place,
        t.symbol, t.decimals, a.recorded AS amount
    FROM mutoscope_solana_watchedaccount a
    JOIN mutoscope_solana_token t ON t.id = a.token_id
    LEFT JOIN mutoscope_solana_payment p ON p.id = a.payment_id
    WHERE a.recorded > 0
    UNION ALL
    SELECT CASE j.kind WHEN 'sweep' THEN 'swept to the main wallet' ELSE 'sent back to who paid' END, t.symbol, t.decimals, j.moved
    FROM solana_signer_job j JOIN mutoscope_solana_token t ON t.mint = j.mint
    WHERE j.kind IN ('sweep', 'refund') AND j.state = 'settled'
) found GROUP BY 1, 2, 3 ORDER BY 1, 2;
