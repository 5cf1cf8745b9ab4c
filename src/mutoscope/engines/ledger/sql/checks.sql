-- What a posting must be, where that is not plain to see. Each raises, with the name of a constraint, or returns.

-- Raise unless a payment names two or three accounts, each once, and amounts above zero.
CREATE OR REPLACE FUNCTION ledger_check_payment(p ledger_payment) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF (p.amount > 0 AND CASE WHEN p.payee_2 IS NULL THEN p.amount_2 IS NULL ELSE p.amount_2 > 0 END) IS NOT TRUE THEN
        RAISE EXCEPTION 'payment % has not an amount above zero for each payee', p.key
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_shape', TABLE = 'ledger_transfer';
    END IF;
    IF p.outcome IS DISTINCT FROM 'posted' THEN
        RAISE EXCEPTION 'payment % comes with an outcome, which is the answer', p.key
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_shape', TABLE = 'ledger_transfer';
    END IF;
    IF (p.payer <> p.payee AND (p.payee_2 IS NULL OR p.payee_2 <> p.payer AND p.payee_2 <> p.payee)) IS NOT TRUE THEN
        RAISE EXCEPTION 'payment % does not name a payer and its payees, each once', p.key
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_legs_ordered', TABLE = 'ledger_transfer';
    END IF;
END $$;

-- Raise unless a transfer has what its kind must have, and nothing else.
CREATE OR REPLACE FUNCTION ledger_check_shape(p ledger_posting) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF (p.kind IN ('single', 'hold', 'post', 'void', 'expire', 'reversal')
        AND cardinality(p.accounts) = cardinality(p.amounts)
        -- Counted from 1, both of them: an array may begin anywhere, and then a[i] and what unnest gives are not the same leg.
        AND CASE WHEN p.kind IN ('void', 'expire') THEN cardinality(p.accounts) = 0
                 ELSE cardinality(p.accounts) BETWEEN 2 AND 1000
                     AND array_ndims(p.accounts) = 1 AND array_lower(p.accounts, 1) = 1
                     AND array_ndims(p.amounts) = 1 AND array_lower(p.amounts, 1) = 1 END
        AND (p.refers_to IS NOT NULL) = (p.kind IN ('post', 'void', 'expire', 'reversal'))
        AND (p.expires_at IS NULL OR p.kind = 'hold')
        AND (p.effective_at IS NULL OR p.kind <> 'hold')) IS NOT TRUE THEN
        RAISE EXCEPTION 'transfer % has not the shape of a %: 2 to 1000 legs, or none for a void; a reference for what ends or reverses another',
            p.key, p.kind
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_shape', TABLE = 'ledger_transfer';
    END IF;
    -- What clients cannot read would break every statement for ever. A moment that is NULL is none.
    IF NOT (p.effective_at >= timestamptz '1900-01-01Z' AND p.effective_at < timestamptz '9000-01-01Z')
        OR NOT (p.expires_at >= timestamptz '1900-01-01Z' AND p.expires_at < timestamptz '9000-01-01Z') THEN
        RAISE EXCEPTION 'transfer % has a moment (effective_at or expires_at) outside the years 1900 to 8999 of UTC', p.key
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_moments', TABLE = 'ledger_transfer';
    END IF;
END $$;

-- Raise unless a transfer names accounts that exist, in order of id and each once, and sums to zero in each currency.
CREATE OR REPLACE FUNCTION ledger_check_balanced(p ledger_posting) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_bad record;
BEGIN
    FOR i IN 1 .. cardinality(p.accounts) LOOP
        IF (p.accounts[i] > coalesce(p.accounts[i - 1], 0)) IS NOT TRUE THEN
            RAISE EXCEPTION 'transfer % does not name its accounts in order of id, each once', p.key
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_legs_ordered', TABLE = 'ledger_transfer';
        END IF;
    END LOOP;
    SELECT a.currency, sum(n.amount) AS total INTO v_bad
    FROM unnest(p.accounts, p.amounts) n (account, amount) LEFT JOIN ledger_account a ON a.id = n.account
    GROUP BY a.currency
    HAVING a.currency IS NULL OR sum(n.amount) <> 0 OR bool_or(n.amount = 0) OR bool_or(n.amount IS NULL) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'transfer % does not balance: % % too many, or an account that does not exist',
            p.key, v_bad.total, coalesce(v_bad.currency, '?')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_balanced', TABLE = 'ledger_transfer';
    END IF;
END $$;

-- Raise unless what a transfer refers to allows it. When it ends a hold, release what that held, so that the legs of a
-- post may use it. A hold itself refers to nothing. Locks: the earlier transfer, then own rows in order of id.
CREATE OR REPLACE FUNCTION ledger_check_reference(p ledger_posting) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_earlier ledger_transfer;
    v_expires_at timestamptz;
    v_faithful boolean;
BEGIN
    IF p.refers_to IS NULL THEN
        RETURN;
    END IF;
    PERFORM 1 FROM ledger_journal j WHERE j.id = p.refers_to FOR NO KEY UPDATE;
    SELECT * INTO v_earlier FROM ledger_transfer t WHERE t.id = p.refers_to;
    IF p.kind = 'reversal' THEN
        v_faithful := v_earlier.kind IN ('single', 'post', 'reversal') AND p.accounts = v_earlier.accounts
            AND NOT EXISTS (SELECT FROM unnest(p.amounts, v_earlier.amounts) n (mine, theirs) WHERE mine <> -theirs);
    ELSE
        DELETE FROM ledger_open_hold WHERE transfer_id = p.refers_to RETURNING expires_at INTO v_expires_at;
        v_faithful := FOUND AND CASE p.kind
            WHEN 'void' THEN true
            WHEN 'expire' THEN coalesce(v_expires_at <= clock_timestamp(), false)
            -- The moment at which ledger_refer looked: between two looks it would expire.
            ELSE coalesce(v_expires_at > statement_timestamp(), true) AND NOT EXISTS (
                SELECT FROM unnest(p.accounts, p.amounts) mine (account, amount)
                LEFT JOIN unnest(v_earlier.accounts, v_earlier.amounts) plan (account, amount) USING (account)
                WHERE plan.amount IS NULL OR sign(mine.amount) <> sign(plan.amount) OR abs(mine.amount) > abs(plan.amount))
            END;
        IF v_faithful THEN
            PERFORM ledger_release(v_earlier.accounts, v_earlier.amounts);
        END IF;
    END IF;
    IF v_faithful IS NOT TRUE THEN
        RAISE EXCEPTION 'transfer % (%) goes beyond transfer %, which it refers to', p.key, p.kind, p.refers_to
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_faithful', TABLE = 'ledger_transfer';
    END IF;
END $$;

-- Give back what a hold with these legs set aside. Locks: own rows in order of id.
CREATE OR REPLACE FUNCTION ledger_release(p_accounts bigint[], p_amounts bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM ledger_account a JOIN unnest(p_accounts, p_amounts) n (account, amount) ON a.id = n.account
    WHERE n.amount < 0 ORDER BY a.id FOR NO KEY UPDATE OF a;
    UPDATE ledger_account a
    SET held = a.held + n.amount, available = CASE WHEN a.may_go_negative THEN a.available ELSE a.available - n.amount END
    FROM unnest(p_accounts, p_amounts) n (account, amount) WHERE a.id = n.account AND n.amount < 0;
    PERFORM ledger_come_in(p_accounts, p_amounts, false, -1);
END $$;
