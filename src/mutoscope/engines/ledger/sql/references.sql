-- Transfers that refer to an earlier one: reversals, and the ends of holds. Lock order: the earlier transfer's row, then as in
-- door.sql. Each returns one row, as ledger_post does, with more outcomes: unknown (there is no such transfer or hold),
-- ended (reversed, posted, voided or expired already; transfer_id names the transfer that did it), and expired.

CREATE OR REPLACE FUNCTION ledger_refer(
    p_key text, p_kind text, p_earlier_id bigint, p_accounts bigint[] DEFAULT NULL, p_amounts bigint[] DEFAULT NULL,
    p_metadata jsonb DEFAULT '{}', p_effective_at timestamptz DEFAULT NULL,
    OUT outcome text, OUT transfer_id bigint, OUT recorded_at timestamptz,
    OUT account_id bigint, OUT needed bigint, OUT available bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_earlier ledger_transfer;
    v_end ledger_transfer;
    v_accounts bigint[] := coalesce(p_accounts, '{}');
    v_amounts bigint[] := coalesce(p_amounts, '{}');
BEGIN
    PERFORM 1 FROM ledger_journal j WHERE j.id = p_earlier_id FOR NO KEY UPDATE;
    SELECT * INTO v_earlier FROM ledger_transfer t WHERE t.id = p_earlier_id;
    IF NOT FOUND OR (v_earlier.kind = 'hold') <> (p_kind <> 'reversal') OR v_earlier.kind IN ('void', 'expire') THEN
        outcome := 'unknown';
        RETURN;
    END IF;
    -- By two primary keys: of transfers by what they refer to there is no index.
    SELECT * INTO v_end FROM ledger_transfer t
    WHERE t.id = (SELECT r.transfer_id FROM ledger_reference r WHERE r.earlier_id = p_earlier_id);
    IF FOUND AND v_end.key <> p_key THEN
        outcome := 'ended';
        transfer_id := v_end.id;
        recorded_at := v_end.recorded_at;
        RETURN;
    END IF;
    IF p_kind = 'post' AND v_end.id IS NULL AND v_earlier.expires_at <= statement_timestamp() THEN
        outcome := 'expired';
        RETURN;
    END IF;
    IF p_kind = 'reversal' THEN
        v_accounts := v_earlier.accounts;
        v_amounts := ARRAY(SELECT -n.amount FROM unnest(v_earlier.amounts) WITH ORDINALITY n (amount, leg) ORDER BY n.leg);
    ELSIF p_kind = 'post' AND p_accounts IS NULL THEN
        v_accounts := v_earlier.accounts;
        v_amounts := v_earlier.amounts;
    END IF;
    SELECT p.* INTO outcome, transfer_id, recorded_at, account_id, needed, available
    FROM ledger_post(p_key, v_accounts, v_amounts, p_metadata, p_effective_at, p_kind, p_earlier_id) p;
END $$;

-- Note the expiry of up to p_limit holds, oldest first. Returns how many. Holds that are being ended now are passed over.
-- Locks: hold rows, as many as are free; then own rows in order of id, for all of them at once. Two runs at once would take hold rows
-- in turns, so the second one waits for nothing and does nothing.
CREATE OR REPLACE FUNCTION ledger_expire_holds(p_limit integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_holds bigint[];
    v_hold bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('mutoscope.ledger.expire', 0)) THEN
        RETURN 0;
    END IF;
    v_holds := ARRAY(
        SELECT o.transfer_id FROM ledger_open_hold o JOIN ledger_journal j ON j.id = o.transfer_id
        WHERE o.expires_at <= clock_timestamp() ORDER BY o.expires_at LIMIT p_limit FOR NO KEY UPDATE OF j SKIP LOCKED);
    PERFORM 1 FROM ledger_account a
    WHERE a.id IN (SELECT unnest(t.accounts) FROM ledger_transfer t WHERE t.id = ANY (v_holds))
    ORDER BY a.id FOR NO KEY UPDATE;
    FOREACH v_hold IN ARRAY v_holds LOOP
        PERFORM ledger_refer('expire:' || v_hold, 'expire', v_hold);
    END LOOP;
    RETURN cardinality(v_holds);
END $$;
