-- The limit: the least that an unlock can be in SQL. One function call: a guarded debit, two credits to one of 16 sub-balances,
-- a transfer, three entries and the entitlement. No keys, no constraints but the primary keys, no triggers, no history kept safe.
CREATE TABLE limit_account (id bigint PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 50);
CREATE TABLE limit_shard (account_id bigint, shard smallint, balance bigint NOT NULL, PRIMARY KEY (account_id, shard))
    WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE TABLE limit_transfer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now());
CREATE TABLE limit_entry (transfer_id bigint, account_id bigint, amount bigint);
CREATE INDEX ON limit_entry (account_id, transfer_id);
CREATE TABLE limit_entitlement (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, viewer bigint, transfer_id bigint);

CREATE FUNCTION limit_unlock(p_viewer bigint, p_creator bigint, p_platform bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_id bigint;
    v_shard smallint := pg_backend_pid() % 16;
BEGIN
    UPDATE limit_account SET balance = balance - 30 WHERE id = p_viewer AND balance >= 30;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO limit_transfer DEFAULT VALUES RETURNING id INTO v_id;
    INSERT INTO limit_entry VALUES (v_id, p_viewer, -30), (v_id, p_creator, 27), (v_id, p_platform, 3);
    INSERT INTO limit_entitlement (viewer, transfer_id) VALUES (p_viewer, v_id);
    INSERT INTO limit_shard AS s VALUES (p_creator, v_shard, 27)
        ON CONFLICT (account_id, shard) DO UPDATE SET balance = s.balance + EXCLUDED.balance;
    INSERT INTO limit_shard AS s VALUES (p_platform, v_shard, 3)
        ON CONFLICT (account_id, shard) DO UPDATE SET balance = s.balance + EXCLUDED.balance;
    RETURN v_id;
END $$;

-- Ours with every guard, called in the same way: one function, one extra row.
CREATE TABLE bench_entitlement (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, viewer bigint, transfer_id bigint);
CREATE FUNCTION bench_unlock(p_key text, p_viewer bigint, p_creator bigint, p_platform bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_outcome text;
    v_id bigint;
BEGIN
    INSERT INTO ledger_payment AS p (key, payer, payee, amount, payee_2, amount_2, metadata)
    VALUES (p_key, p_viewer, p_creator, 27, p_platform, 3, '{"video": 7}')
    RETURNING p.outcome, p.transfer_id INTO v_outcome, v_id;
    INSERT INTO bench_entitlement (viewer, transfer_id) VALUES (p_viewer, v_id);
    RETURN v_outcome;
END $$;
