-- The door for new accounts. They start at zero; every other INSERT into ledger_account is refused.
CREATE OR REPLACE VIEW ledger_opening AS
SELECT NULL::bigint AS id, NULL::text AS owner, NULL::text AS kind, NULL::text AS currency, NULL::boolean AS may_go_negative WHERE false;

CREATE OR REPLACE FUNCTION ledger_apply_opening() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.id := NULL;
    INSERT INTO ledger_account AS a (owner, kind, currency, may_go_negative)
    VALUES (NEW.owner, NEW.kind, NEW.currency, coalesce(NEW.may_go_negative, false))
    ON CONFLICT ON CONSTRAINT ledger_account_one_per_owner DO NOTHING RETURNING a.id INTO NEW.id;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER ledger_opening_applied INSTEAD OF INSERT ON ledger_opening
    FOR EACH ROW EXECUTE FUNCTION ledger_apply_opening();

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
        INSERT INTO ledger_opening AS o (owner, kind, currency, may_go_negative)
        VALUES (p_owner, p_kind, p_currency, p_may_go_negative) RETURNING o.id INTO account_id;
        IF account_id IS NOT NULL THEN
            outcome := 'opened';
            RETURN;
        END IF;
        SELECT a.id, a.may_go_negative INTO STRICT v_account FROM ledger_account a
        WHERE a.owner = p_owner AND a.kind = p_kind AND a.currency = p_currency;
    END IF;
    account_id := v_account.id;
    outcome := CASE WHEN v_account.may_go_negative = p_may_go_negative THEN 'found' ELSE 'differs' END;
END $$;
