-- The hash chain and the snapshots of balances. Both run beside the postings, which never wait for them.

-- One transfer's link in the chain: all that its row says. Times are counted in microseconds, which no setting can format.
CREATE OR REPLACE FUNCTION ledger_leaf(t ledger_transfer) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(jsonb_build_array(t.id, t.kind, t.key, to_jsonb(t.accounts), to_jsonb(t.amounts), t.metadata,
        extract(epoch FROM t.recorded_at), extract(epoch FROM t.effective_at), extract(epoch FROM t.expires_at),
        t.refers_to, t.link_id)::text, 'UTF8'))
$$;

-- The door for seals, so that nobody else writes one, or a snapshot: seal every transfer after the last seal up to `through`, at most
-- so many as `batch`, with a snapshot of balances or without. The caller knows that no transaction which could still add a
-- transfer in that range is running. Answers with the number of transfers sealed; 0, and no seal is made, when there are none.
-- Locks: one advisory lock, so that two sealers do not make two chains. Expected row count: at most one seal.
CREATE OR REPLACE VIEW ledger_sealing AS
SELECT NULL::bigint AS through, NULL::integer AS batch, NULL::boolean AS snapshot, NULL::bigint AS transfers WHERE false;

CREATE OR REPLACE FUNCTION ledger_apply_sealing() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_last record;
    v_through bigint;
    v_new record;
    v_snapped bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('mutoscope.ledger.seal', 0));
    SELECT s.number, s.through_id, s.hash, s.recorded_until INTO v_last FROM ledger_seal s ORDER BY s.number DESC LIMIT 1;
    SELECT max(t.id) INTO v_through FROM (
        SELECT id FROM ledger_transfer WHERE id > coalesce(v_last.through_id, 0) AND id <= NEW.through
        ORDER BY id LIMIT NEW.batch) t;
    IF v_through IS NULL THEN
        NEW.transfers := 0;
        RETURN NEW;
    END IF;
    SELECT count(*) AS transfers, min(t.id) AS first_id, min(t.recorded_at) AS since, max(t.recorded_at) AS until,
        sha256(coalesce(v_last.hash, '\x') || string_agg(ledger_leaf(t), '' ORDER BY t.id)) AS hash
        INTO v_new
    FROM ledger_transfer t WHERE t.id > coalesce(v_last.through_id, 0) AND t.id <= v_through;
    INSERT INTO ledger_seal (number, first_id, through_id, transfers, recorded_from, recorded_until, snapshot, previous_hash, hash)
    VALUES (coalesce(v_last.number, 0) + 1, coalesce(v_last.through_id, 0) + 1, v_through, v_new.transfers, v_new.since,
        greatest(v_new.until, v_last.recorded_until), NEW.snapshot, coalesce(v_last.hash, '\x'), v_new.hash);
    IF NEW.snapshot THEN
        -- Each account that moved since the snapshot before: its last one plus what came after.
        SELECT coalesce(max(s.through_id), 0) INTO v_snapped FROM ledger_seal s WHERE s.snapshot AND s.through_id < v_through;
        INSERT INTO ledger_snapshot (account_id, through_id, balance)
        SELECT moved.account_id, v_through, moved.amount + coalesce((
            SELECT p.balance FROM ledger_snapshot p WHERE p.account_id = moved.account_id ORDER BY p.through_id DESC LIMIT 1), 0)
        FROM (SELECT e.account_id, sum(e.amount) AS amount FROM ledger_entry e
               WHERE e.transfer_id > v_snapped AND e.transfer_id <= v_through GROUP BY e.account_id) moved;
    END IF;
    NEW.transfers := v_new.transfers;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER ledger_sealing_applied INSTEAD OF INSERT ON ledger_sealing
    FOR EACH ROW EXECUTE FUNCTION ledger_apply_sealing();
