-- Posting. One lock order, the same everywhere:
--   1. the transfer referred to, if any;
--   2. own rows of the accounts debited, in order of id;
--   3. sub-balances of those accounts, where the own rows do not suffice;
--   4. the idempotency key.
-- A credit waits for nothing: it takes whichever row of its account is free. Two postings can wait for each other only if one transaction makes several, in different orders:
-- post them linked instead. Legs come in order of account id.
--
-- With `manage.py ledger restrict ROLE` these functions run with their owner's rights, and ROLE is allowed them and no table.

-- Post one transfer, or make one hold. Returns one row. Outcomes: posted, repeated (same key, same content: the first result),
-- key_reused (same key, other content), insufficient (with the account, what it would take, what there is). A refusal
-- writes nothing and leaves the caller's transaction usable; a malformed transfer raises.
CREATE OR REPLACE FUNCTION ledger_post(
    p_key text, p_accounts bigint[], p_amounts bigint[], p_metadata jsonb DEFAULT '{}', p_effective_at timestamptz DEFAULT NULL,
    p_kind text DEFAULT 'single', p_refers_to bigint DEFAULT NULL, p_expires_at timestamptz DEFAULT NULL,
    OUT outcome text, OUT transfer_id bigint, OUT recorded_at timestamptz,
    OUT account_id bigint, OUT needed bigint, OUT available bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_plan ledger_transfer;
    v_account bigint;
    v_amount bigint;
    v_free bigint;
    v_limited boolean;
    v_outcome text;
BEGIN
    IF p_kind = 'post' THEN
        SELECT * INTO v_plan FROM ledger_transfer t WHERE t.id = p_refers_to;
    END IF;
    -- One look-up by primary key for each account debited: a transfer has one, as a rule.
    FOR i IN 1 .. cardinality(p_accounts) LOOP
        v_amount := p_amounts[i];
        CONTINUE WHEN v_amount >= 0;
        v_account := p_accounts[i];
        SELECT a.balance - a.held, NOT a.may_go_negative INTO v_free, v_limited FROM ledger_account a
        WHERE a.id = v_account AND (NOT a.may_go_negative OR p_kind IN ('hold', 'post')) FOR NO KEY UPDATE;
        CONTINUE WHEN NOT FOUND OR NOT v_limited OR outcome IS NOT NULL;
        IF v_plan.id IS NOT NULL THEN
            v_free := v_free - least(coalesce(v_plan.amounts[array_position(v_plan.accounts, v_account)], 0), 0);
        END IF;
        IF v_free + v_amount < 0 THEN
            v_free := v_free + ledger_lock_sub_balances(v_account, -v_amount - v_free);
            IF v_free + v_amount < 0 THEN
                outcome := 'insufficient';
                account_id := v_account;
                needed := -v_amount;
                available := v_free;
            END IF;
        END IF;
    END LOOP;
    IF outcome IS NOT NULL THEN
        -- What is short now may have been posted before: a second click waits above, and finds the first one's transfer here.
        SELECT t.id, t.recorded_at, CASE WHEN ledger_says(t, p_kind, p_accounts, p_amounts, p_metadata, p_effective_at, p_refers_to)
                THEN 'repeated' ELSE 'key_reused' END
            INTO transfer_id, recorded_at, v_outcome FROM ledger_transfer t WHERE t.key = p_key;
        outcome := coalesce(v_outcome, outcome);
        RETURN;
    END IF;

    -- A transaction has its own id before it draws a transfer's: sealing relies on that order.
    PERFORM pg_current_xact_id();
    INSERT INTO ledger_transfer AS t (kind, key, accounts, amounts, metadata, effective_at, expires_at, refers_to)
    VALUES (p_kind, p_key, p_accounts, p_amounts, p_metadata, p_effective_at, p_expires_at, p_refers_to)
    ON CONFLICT ON CONSTRAINT ledger_transfer_key_once DO NOTHING RETURNING t.id, t.recorded_at INTO transfer_id, recorded_at;
    IF FOUND THEN
        outcome := 'posted';
        RETURN;
    END IF;
    SELECT t.id, t.recorded_at, CASE WHEN ledger_says(t, p_kind, p_accounts, p_amounts, p_metadata, p_effective_at, p_refers_to)
            THEN 'repeated' ELSE 'key_reused' END
        INTO STRICT transfer_id, recorded_at, outcome FROM ledger_transfer t WHERE t.key = p_key;
END $$;

-- Whether a stored transfer has the content of a request. The content itself is compared, so nothing can collide.
CREATE OR REPLACE FUNCTION ledger_says(
    t ledger_transfer, p_kind text, p_accounts bigint[], p_amounts bigint[], p_metadata jsonb, p_effective_at timestamptz,
    p_refers_to bigint
) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT t.kind = p_kind AND t.accounts = p_accounts AND t.amounts = p_amounts AND t.metadata = p_metadata
        AND t.effective_at IS NOT DISTINCT FROM p_effective_at AND t.refers_to IS NOT DISTINCT FROM p_refers_to
$$;
