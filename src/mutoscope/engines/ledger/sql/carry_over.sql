-- A ledger of before migration 0006 had its legs twice: as arrays in the table ledger_transfer, and as rows of ledger_entry. It is carried over
-- into the journal whole: ids, moments and legs stay what they are, and so does the hash chain, which is over what ledger_transfer shows.
-- Runs once, in the migration's transaction; reads and postings wait for it.

-- name: set_aside
DROP FUNCTION IF EXISTS ledger_leaf(ledger_transfer);
DROP FUNCTION IF EXISTS ledger_says(ledger_transfer, text, bigint[], bigint[], jsonb, timestamptz, bigint);
DROP FUNCTION IF EXISTS ledger_take_gathered(bigint, bigint);
DROP FUNCTION IF EXISTS ledger_seal_through(bigint, integer, boolean);
ALTER TABLE ledger_transfer RENAME TO ledger_transfer_before;
ALTER TABLE ledger_entry RENAME TO ledger_entry_before

-- name: carry_over
-- Before the guards are there, which would refuse it. Raises where an entry is not what its transfer says, since that would be lost.
INSERT INTO ledger_journal (id, recorded_at, payer, payee, amount, payee_2, amount_2, key, metadata, particulars)
SELECT t.id, t.recorded_at, k.payer, k.payee, k.amount, k.payee_2, k.amount_2, t.key, t.metadata, k.particulars
FROM ledger_transfer_before t
CROSS JOIN LATERAL ledger_kept(t.kind, t.accounts, t.amounts, t.effective_at, t.expires_at, t.refers_to, t.link_id) k
ORDER BY t.id;
INSERT INTO ledger_entry_apart (account_id, transfer_id, amount)
SELECT n.account, j.id, n.amount
FROM ledger_journal j CROSS JOIN LATERAL unnest((j.particulars).accounts, (j.particulars).amounts) n (account, amount)
WHERE j.payer IS NULL AND (j.particulars).kind <> 'hold' ORDER BY n.account, j.id;
DO $$
DECLARE
    v_drawn record;
BEGIN
    EXECUTE format('SELECT last_value, is_called FROM %s', pg_get_serial_sequence('ledger_transfer_before', 'id')) INTO v_drawn;
    PERFORM setval(pg_get_serial_sequence('ledger_journal', 'id'), v_drawn.last_value, v_drawn.is_called);
END $$;
DO $$
DECLARE
    v_before record;
    v_now record;
BEGIN
    SELECT count(*) AS entries, bit_xor(hash_record_extended(ROW(e.account_id, e.transfer_id, e.amount), 0)) AS all_of_them
        INTO v_before FROM ledger_entry_before e;
    SELECT count(*) AS entries, bit_xor(hash_record_extended(ROW(e.account_id, e.transfer_id, e.amount), 0)) AS all_of_them
        INTO v_now FROM ledger_entry e;
    IF v_before IS DISTINCT FROM v_now THEN
        RAISE EXCEPTION 'the ledger''s % entries are not what its transfers say (%)', v_before.entries, v_now.entries
            USING ERRCODE = 'data_corrupted', HINT = 'Nothing was changed. Run `ledger verify` with the release that made them.';
    END IF;
END $$;
ANALYZE ledger_journal, ledger_entry_apart

-- name: allow_as_before
-- Everybody may do what they might before, and nothing that the database's defaults for new tables gave them. Then the tables of before go.
DO $$
DECLARE
    v_pair record;
    v_right record;
BEGIN
    FOR v_pair IN
        SELECT o.before::regclass AS before, o.now::regclass AS now, CASE WHEN o.is_sequence THEN 'SEQUENCE ' ELSE '' END AS what
        FROM (VALUES
            ('ledger_transfer_before', 'ledger_journal', false), ('ledger_transfer_before', 'ledger_transfer', false),
            ('ledger_entry_before', 'ledger_entry_apart', false), ('ledger_entry_before', 'ledger_entry', false),
            ('ledger_posting', 'ledger_payment', false), ('ledger_seal', 'ledger_sealing', false),
            (pg_get_serial_sequence('ledger_transfer_before', 'id'), pg_get_serial_sequence('ledger_journal', 'id'), true)
        ) o (before, now, is_sequence)
    LOOP
        FOR v_right IN
            SELECT DISTINCT CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE r.grantee::regrole::text END AS who
            FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) r WHERE c.oid = v_pair.now AND r.grantee <> c.relowner
        LOOP
            EXECUTE format('REVOKE ALL ON %s%s FROM %s', v_pair.what, v_pair.now, v_right.who);
        END LOOP;
        FOR v_right IN
            SELECT CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE r.grantee::regrole::text END AS who, r.privilege_type AS how,
                CASE WHEN r.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS further
            FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) r WHERE c.oid = v_pair.before AND r.grantee <> c.relowner
        LOOP
            EXECUTE format('GRANT %s ON %s%s TO %s%s', v_right.how, v_pair.what, v_pair.now, v_right.who, v_right.further);
        END LOOP;
    END LOOP;
END $$;
DROP TABLE ledger_transfer_before, ledger_entry_before
