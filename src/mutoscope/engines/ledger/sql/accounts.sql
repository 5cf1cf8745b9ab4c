-- Open an account, or find the one that is open already. Returns one row; outcome is opened, found or differs (it exists
-- with another limit).
CREATE OR REPLACE FUNCTION ledger_open_account(
    p_owner text, p_kind text, p_currency text, p_may_go_negative boolean DEFAULT false,
    OUT outcome text, OUT account_id bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_account record;
BEGIN
    SELECT a.id, a.may_go_negative INTO v_account FROM ledger_account a
    WHERE a.owner = p_owner AND a.kind = p_kind AND a.currency = p_currency;
    IF NOT FOUND THEN
        INSERT INTO ledger_account AS a (owner, kind, currency, may_go_negative)
        VALUES (p_owner, p_kind, p_currency, p_may_go_negative)
        ON CONFLICT ON CONSTRAINT ledger_account_one_per_owner DO NOTHING RETURNING a.id INTO account_id;
        IF FOUND THEN
            outcome := 'opened';
            RETURN;
        END IF;
        SELECT a.id, a.may_go_negative INTO STRICT v_account FROM ledger_account a
        WHERE a.owner = p_owner AND a.kind = p_kind AND a.currency = p_currency;
    END IF;
    account_id := v_account.id;
    outcome := CASE WHEN v_account.may_go_negative = p_may_go_negative THEN 'found' ELSE 'differs' END;
END $$;
