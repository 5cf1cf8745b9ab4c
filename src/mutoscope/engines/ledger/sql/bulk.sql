-- Post many transfers in one statement, with an outcome for each. Legs come flattened: p_number[i] says which transfer, from 1,
-- leg i belongs to. Transfers with the same p_link are linked: all of them post, or none.
--
-- Whether the money suffices is decided for the whole batch at once, in its order: the transfers that debit an account
-- are accepted as the longest prefix that its balance covers. Credits count for later debits of the same link, and
-- otherwise not: whether another transfer will post is not known yet. So this may refuse what one by one would post, and
-- never the reverse.
--
-- Outcomes beyond those of ledger_post: malformed (does not balance, or names an account that does not exist) and
-- linked (refused because a transfer linked to it was). Locks: as in posting.sql, one pass over every debited account first.
-- Expected row count: one per transfer.
CREATE OR REPLACE FUNCTION ledger_post_many(
    p_keys text[], p_links integer[], p_metadata jsonb[], p_effective_at timestamptz[],
    p_number integer[], p_accounts bigint[], p_amounts bigint[]
) RETURNS TABLE (
    number integer, outcome text, transfer_id bigint, recorded_at timestamptz,
    account_id bigint, needed bigint, available bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_debited bigint[] := ARRAY(SELECT DISTINCT l.a FROM unnest(p_accounts, p_amounts) l (a, m) WHERE l.m < 0);
    v_popular record;
    v_free jsonb := '{}';
BEGIN
    PERFORM 1 FROM ledger_account a WHERE a.id = ANY (v_debited) AND NOT a.may_go_negative ORDER BY a.id FOR NO KEY UPDATE;

    -- Bring in sight what lies in sub-balances of the debited, where their own rows do not suffice for all.
    FOR v_popular IN
        SELECT a.id, least(-l.net - (a.balance - a.held), 9223372036854775807)::bigint AS short
        FROM (SELECT u.a, sum(u.m) AS net FROM unnest(p_accounts, p_amounts) u (a, m) WHERE u.m < 0 GROUP BY u.a) l
        JOIN ledger_account a ON a.id = l.a
        WHERE NOT a.may_go_negative AND a.balance - a.held + l.net < 0
        ORDER BY a.id
    LOOP
        v_free := v_free || jsonb_build_object(v_popular.id, ledger_lock_sub_balances(v_popular.id, v_popular.short));
    END LOOP;

    PERFORM pg_current_xact_id();
    RETURN QUERY
    WITH leg AS MATERIALIZED (
        SELECT l.number, l.account, l.amount FROM unnest(p_number, p_accounts, p_amounts) AS l (number, account, amount)
    ), asked AS MATERIALIZED (
        SELECT t.number::integer AS number, t.key, t.metadata, t.effective_at, coalesce(t.link, -t.number) AS link,
            b.accounts, b.amounts
        FROM unnest(p_keys, p_links, p_metadata, p_effective_at) WITH ORDINALITY AS t (key, link, metadata, effective_at, number)
        JOIN (SELECT leg.number, array_agg(leg.account ORDER BY leg.account) AS accounts,
                     array_agg(leg.amount ORDER BY leg.account) AS amounts
                FROM leg GROUP BY leg.number) b ON b.number = t.number
    ), known AS MATERIALIZED (
        SELECT asked.*, t.id AS old_id, t.recorded_at AS old_recorded_at, t.same
        FROM asked LEFT JOIN LATERAL (
            SELECT f.id, f.recorded_at,
                ledger_says(f, 'single', asked.accounts, asked.amounts, asked.metadata, asked.effective_at, NULL) AS same
            FROM ledger_transfer f WHERE f.key = asked.key OFFSET 0) t ON true
    ), priced AS (
        SELECT leg.number, leg.account, leg.amount, known.link, a.currency,
            a.may_go_negative IS NOT FALSE AS unlimited,
            a.balance - a.held + coalesce((v_free ->> leg.account::text)::bigint, 0) AS available
        FROM leg JOIN known ON known.number = leg.number AND known.old_id IS NULL
        LEFT JOIN LATERAL (SELECT f.currency, f.may_go_negative, f.balance, f.held FROM ledger_account f
                            WHERE f.id = leg.account OFFSET 0) a ON true
    ), running AS (
        SELECT priced.*, available
            + sum(least(amount, 0)) OVER (PARTITION BY account ORDER BY number)
            + sum(greatest(amount, 0)) OVER (PARTITION BY account, link ORDER BY number) AS remaining
        FROM priced
    ), short AS (
        SELECT DISTINCT ON (number) number, account, amount, remaining FROM running
        WHERE NOT unlimited AND amount < 0 AND remaining < 0 ORDER BY number, account
    ), malformed AS (
        SELECT DISTINCT number FROM (
            SELECT number FROM priced GROUP BY number, currency
            HAVING sum(amount) <> 0 OR currency IS NULL OR count(DISTINCT account) <> count(*)) m
    ), judged AS MATERIALIZED (
        SELECT known.*, short.account AS short_account, -short.amount AS short_needed,
            (short.remaining - short.amount)::bigint AS short_available,
            CASE WHEN known.same THEN 'repeated' WHEN NOT known.same THEN 'key_reused'
                 WHEN malformed.number IS NOT NULL THEN 'malformed' WHEN short.number IS NOT NULL THEN 'insufficient'
                 WHEN count(*) OVER (PARTITION BY known.key ORDER BY known.number) > 1 THEN 'key_reused' END AS verdict
        FROM known LEFT JOIN short ON short.number = known.number LEFT JOIN malformed ON malformed.number = known.number
    ), decided AS MATERIALIZED (
        SELECT judged.*, bool_and(verdict IS NULL) OVER (PARTITION BY link) AS accepted
        FROM judged
    ), links AS MATERIALIZED (
        SELECT link, nextval(pg_get_serial_sequence('ledger_transfer', 'id')) AS link_id FROM decided
        WHERE accepted GROUP BY link HAVING count(*) > 1
    ), posted AS (
        INSERT INTO ledger_transfer AS t (kind, key, accounts, amounts, metadata, effective_at, link_id)
        SELECT 'single', d.key, d.accounts, d.amounts, d.metadata, d.effective_at, links.link_id
        FROM decided d LEFT JOIN links ON links.link = d.link WHERE d.accepted ORDER BY d.number
        RETURNING t.id, t.key, t.recorded_at
    )
    SELECT d.number, coalesce(d.verdict, CASE WHEN d.accepted THEN 'posted' ELSE 'linked' END),
        coalesce(posted.id, d.old_id), coalesce(posted.recorded_at, d.old_recorded_at),
        d.short_account, d.short_needed, d.short_available
    FROM decided d LEFT JOIN posted ON posted.key = d.key AND d.accepted
    ORDER BY d.number;
END $$;
