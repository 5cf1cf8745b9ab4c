-- The door for many transfers: one row that carries them all, with an outcome for each. Legs come flattened: numbers[i] says which
-- transfer, from 1, leg i belongs to. Transfers with the same link are linked: all of them post, or none.
--
-- Whether the money suffices is decided for the whole batch at once, in its order: the transfers that debit an account
-- are accepted as the longest prefix that its balance covers. Credits count for later debits of the same link, and
-- otherwise not: whether another transfer will post is not known yet. So this may refuse what one by one would post, and
-- never the reverse.
--
-- Outcomes beyond those of the door for one: malformed (does not balance, names an account that does not exist, or takes effect
-- outside the years 1900 to 8999) and linked (refused because a transfer linked to it was). A key that comes twice in one batch is
-- reused, whatever it comes with: Python sends each once (batches.py). Locks: as in door.sql, one pass over every debited account first.

CREATE OR REPLACE VIEW ledger_batch AS
SELECT NULL::text[] AS keys, NULL::integer[] AS links, NULL::jsonb[] AS metadata, NULL::timestamptz[] AS effective_at,
    NULL::integer[] AS numbers, NULL::bigint[] AS accounts, NULL::bigint[] AS amounts,
    NULL::text[] AS outcomes, NULL::bigint[] AS transfer_ids, NULL::timestamptz[] AS recorded_at,
    NULL::bigint[] AS account_ids, NULL::bigint[] AS needed, NULL::bigint[] AS available
WHERE false;

CREATE OR REPLACE FUNCTION ledger_post_batch(p ledger_batch) RETURNS ledger_batch
LANGUAGE plpgsql AS $$
DECLARE
    v_slot integer := pg_backend_pid() & 15;
    v_debited CONSTANT bigint[] := ARRAY(
        SELECT DISTINCT l.a FROM unnest(p.accounts, p.amounts) l (a, m) JOIN ledger_account a ON a.id = l.a
        WHERE l.m < 0 AND NOT a.may_go_negative);
BEGIN
    PERFORM 1 FROM ledger_account a WHERE a.id = ANY (v_debited) ORDER BY a.id FOR NO KEY UPDATE;
    -- Bring in sight what came in to the debited. After the locks, so that nothing that another debit gathered is missed.
    UPDATE ledger_account a SET available = a.available + (s.balance - a.gathered), gathered = s.balance
    FROM (SELECT b.account_id, sum(b.balance)::bigint AS balance FROM ledger_sub_balance b
           WHERE b.account_id = ANY (v_debited) GROUP BY b.account_id) s
    WHERE a.id = s.account_id AND s.balance > a.gathered AND a.available < (
        SELECT -sum(l.m) FROM unnest(p.accounts, p.amounts) l (a, m) WHERE l.a = a.id AND l.m < 0);
    IF NOT pg_try_advisory_xact_lock(1279607879, v_slot) THEN
        v_slot := ledger_free_slot(v_slot);
    END IF;

    WITH leg AS MATERIALIZED (
        SELECT l.number, l.account, l.amount FROM unnest(p.numbers, p.accounts, p.amounts) AS l (number, account, amount)
    ), asked AS MATERIALIZED (
        SELECT t.number::integer AS number, t.key, t.metadata, t.effective_at, coalesce(t.link, -t.number) AS link,
            b.accounts, b.amounts
        FROM unnest(p.keys, p.links, p.metadata, p.effective_at) WITH ORDINALITY AS t (key, link, metadata, effective_at, number)
        JOIN (SELECT leg.number, array_agg(leg.account ORDER BY leg.account) AS accounts,
                     array_agg(leg.amount ORDER BY leg.account) AS amounts
                FROM leg GROUP BY leg.number) b ON b.number = t.number
    ), known AS MATERIALIZED (
        SELECT asked.*, t.id AS old_id, t.recorded_at AS old_recorded_at, t.same
        FROM asked LEFT JOIN LATERAL (
            SELECT f.id, f.recorded_at,
                ledger_says(f, 'single', asked.accounts, asked.amounts, asked.metadata, asked.effective_at, NULL) AS same
            FROM ledger_transfer f WHERE f.key = asked.key OFFSET 0) t ON true
    ), priced AS MATERIALIZED (
        SELECT leg.number, leg.account, leg.amount, known.link, a.currency,
            a.may_go_negative IS NOT FALSE AS unlimited,
            a.available
        FROM leg JOIN known ON known.number = leg.number AND known.old_id IS NULL
        LEFT JOIN LATERAL (SELECT f.currency, f.may_go_negative, f.available FROM ledger_account f
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
            HAVING sum(amount) <> 0 OR currency IS NULL OR bool_or(amount = 0) OR bool_or(amount IS NULL)
                OR count(DISTINCT account) <> count(*) OR count(*) > 1000) m
    ), judged AS MATERIALIZED (
        SELECT known.*, short.account AS short_account, -short.amount AS short_needed,
            (short.remaining - short.amount)::bigint AS short_available,
            CASE WHEN known.same THEN 'repeated' WHEN NOT known.same THEN 'key_reused'
                 WHEN malformed.number IS NOT NULL
                     OR known.effective_at < timestamptz '1900-01-01Z' OR known.effective_at >= timestamptz '9000-01-01Z' THEN 'malformed'
                 WHEN short.number IS NOT NULL THEN 'insufficient'
                 WHEN count(*) OVER (PARTITION BY known.key ORDER BY known.number) > 1 THEN 'key_reused' END AS verdict
        FROM known LEFT JOIN short ON short.number = known.number LEFT JOIN malformed ON malformed.number = known.number
    ), decided AS MATERIALIZED (
        SELECT judged.*, bool_and(verdict IS NULL) OVER (PARTITION BY link) AS accepted
        FROM judged
    ), links AS MATERIALIZED (
        SELECT link, nextval(pg_get_serial_sequence('ledger_journal', 'id')) AS link_id FROM decided
        WHERE accepted GROUP BY link HAVING count(*) > 1
    ), posted AS (
        INSERT INTO ledger_journal AS j (payer, payee, amount, payee_2, amount_2, key, metadata, particulars)
        SELECT k.payer, k.payee, k.amount, k.payee_2, k.amount_2, d.key, d.metadata, k.particulars
        FROM decided d LEFT JOIN links ON links.link = d.link
        CROSS JOIN LATERAL ledger_kept('single', d.accounts, d.amounts, d.effective_at, NULL, NULL, links.link_id) k
        WHERE d.accepted ORDER BY d.number
        RETURNING j.id, j.key, j.recorded_at, j.payer IS NULL AS apart
    ), moved AS MATERIALIZED (
        -- Every leg of what posts. An account that is debited has its own row locked here, so its credits may go there as well.
        SELECT posted.id, posted.apart, priced.account, priced.amount, priced.currency, priced.account = ANY (v_debited) AS own_row
        FROM decided d JOIN posted ON posted.key = d.key JOIN priced ON priced.number = d.number WHERE d.accepted
    ), entered AS (
        INSERT INTO ledger_entry_apart (account_id, transfer_id, amount) SELECT account, id, amount FROM moved WHERE apart
    ), on_own_rows AS (
        UPDATE ledger_account a SET available = a.available + m.amount
        FROM (SELECT account, sum(amount)::bigint AS amount FROM moved WHERE own_row GROUP BY account) m WHERE a.id = m.account
    ), on_sub_balances AS (
        INSERT INTO ledger_sub_balance AS s (account_id, slot, balance, currency)
        SELECT account, v_slot, sum(amount)::bigint, currency FROM moved WHERE NOT own_row GROUP BY account, currency
        ON CONFLICT (account_id, slot) DO UPDATE SET balance = s.balance + EXCLUDED.balance
    ), backdated AS (
        INSERT INTO ledger_backdated (transfer_id, effective_at)
        SELECT posted.id, d.effective_at FROM decided d JOIN posted ON posted.key = d.key
        WHERE d.accepted AND d.effective_at IS NOT NULL
    )
    SELECT array_agg(coalesce(d.verdict, CASE WHEN d.accepted THEN 'posted' ELSE 'linked' END) ORDER BY d.number),
        array_agg(coalesce(posted.id, d.old_id) ORDER BY d.number),
        array_agg(coalesce(posted.recorded_at, d.old_recorded_at) ORDER BY d.number),
        array_agg(d.short_account ORDER BY d.number), array_agg(d.short_needed ORDER BY d.number),
        array_agg(d.short_available ORDER BY d.number)
        INTO p.outcomes, p.transfer_ids, p.recorded_at, p.account_ids, p.needed, p.available
    FROM decided d LEFT JOIN posted ON posted.key = d.key AND d.accepted;
    RETURN p;
END $$;

-- A key that another transaction wrote meanwhile is known at the second look.
CREATE OR REPLACE FUNCTION ledger_apply_batch() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_transaction xid8;
BEGIN
    -- Before any id is drawn (sealing relies on that order), and of the transaction itself, not of a part of it.
    v_transaction := pg_current_xact_id();
    FOR v_look IN 1 .. 3 LOOP
        BEGIN
            NEW := ledger_post_batch(NEW);
            RETURN NEW;
        EXCEPTION WHEN unique_violation THEN
            IF v_look = 3 THEN
                RAISE;
            END IF;
        END;
    END LOOP;
END $$;
CREATE OR REPLACE TRIGGER ledger_batch_applied INSTEAD OF INSERT ON ledger_batch
    FOR EACH ROW EXECUTE FUNCTION ledger_apply_batch();

-- The same as a function. Expected row count: one per transfer, in their order.
CREATE OR REPLACE FUNCTION ledger_post_many(
    p_keys text[], p_links integer[], p_metadata jsonb[], p_effective_at timestamptz[],
    p_numbers integer[], p_accounts bigint[], p_amounts bigint[]
) RETURNS TABLE (
    outcome text, transfer_id bigint, recorded_at timestamptz, account_id bigint, needed bigint, available bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_answer ledger_batch;
BEGIN
    INSERT INTO ledger_batch (keys, links, metadata, effective_at, numbers, accounts, amounts)
    VALUES (p_keys, p_links, p_metadata, p_effective_at, p_numbers, p_accounts, p_amounts) RETURNING * INTO v_answer;
    RETURN QUERY SELECT * FROM unnest(v_answer.outcomes, v_answer.transfer_ids, v_answer.recorded_at,
        v_answer.account_ids, v_answer.needed, v_answer.available);
END $$;
