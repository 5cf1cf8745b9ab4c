-- What the database itself enforces, whoever writes and through whatever: a transfer balances and names accounts that
-- exist; entries and balances follow transfers and nothing else; limits hold; history does not change. The table owner's
-- own INSERT, UPDATE, DELETE and TRUNCATE meet the same guards. Only DDL (dropping a trigger) gets past them, and
-- `verify` notices that.
--
-- The way it works: the one statement that anyone may write is INSERT INTO ledger_transfer. Its trigger writes entries and
-- balances. Every other write to those tables is refused unless it comes from inside a trigger.
--
-- The triggers on what a posting writes have no WHEN clause: PostgreSQL reads the text of a WHEN anew for each statement, which
-- costs several times what calling the function does.

CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0]
        USING ERRCODE = 'restrict_violation', HINT = 'Post a transfer, or a reversal, instead.', TABLE = TG_TABLE_NAME;
END $$;

-- History is only ever added to.
CREATE OR REPLACE TRIGGER ledger_transfer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('history is append-only');
CREATE OR REPLACE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('history is append-only');
CREATE OR REPLACE TRIGGER ledger_seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_seal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('history is append-only');
CREATE OR REPLACE TRIGGER ledger_snapshot_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_snapshot
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('history is append-only');

-- Accounts stay, start at zero, and never become somebody else's.
CREATE OR REPLACE TRIGGER ledger_account_stays BEFORE DELETE OR TRUNCATE ON ledger_account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('an account is never removed');
CREATE OR REPLACE TRIGGER ledger_account_starts_empty BEFORE INSERT ON ledger_account
    FOR EACH ROW WHEN (NEW.balance <> 0 OR NEW.held <> 0) EXECUTE FUNCTION ledger_refuse('an account starts at zero');
CREATE OR REPLACE TRIGGER ledger_account_identity_fixed
    BEFORE UPDATE OF id, owner, kind, currency, may_go_negative, opened_at ON ledger_account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('an account keeps its owner, kind, currency and limit');

-- Money moves inside the trigger below, where the depth is two or more when this runs, and nowhere else.
CREATE OR REPLACE FUNCTION ledger_refuse_by_hand() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() > 1 THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% on % is refused: it follows from transfers', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', HINT = 'Post a transfer, or a reversal, instead.', TABLE = TG_TABLE_NAME;
END $$;
CREATE OR REPLACE TRIGGER ledger_account_by_transfers BEFORE UPDATE OF balance, held ON ledger_account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_by_hand();
CREATE OR REPLACE TRIGGER ledger_sub_balance_by_transfers BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ledger_sub_balance
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_by_hand();
CREATE OR REPLACE TRIGGER ledger_entry_by_transfers BEFORE INSERT ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_by_hand();
CREATE OR REPLACE TRIGGER ledger_open_hold_by_transfers BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ledger_open_hold
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_by_hand();

-- Lock what lies in an account's sub-balances, until it suffices, and return how much is locked.
-- Locks: the caller holds the account's own row. First the sub-balances nobody else is writing, which waits for nothing; what
-- is passed over can only be more money, so this under-estimates and never over-estimates. Only when that is too
-- little, the rest too: it waits for transfers that credit them now, and those wait for nobody.
CREATE OR REPLACE FUNCTION ledger_lock_sub_balances(p_account bigint, p_needed bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_found numeric;
BEGIN
    SELECT coalesce(sum(s.balance), 0) INTO v_found FROM (
        SELECT balance FROM ledger_sub_balance WHERE account_id = p_account ORDER BY slot FOR UPDATE SKIP LOCKED) s;
    IF v_found < p_needed AND p_needed <= (
        SELECT coalesce(sum(balance), 0) FROM ledger_sub_balance WHERE account_id = p_account) THEN
        SELECT coalesce(sum(s.balance), 0) INTO v_found FROM (
            SELECT balance FROM ledger_sub_balance WHERE account_id = p_account ORDER BY slot FOR UPDATE) s;
    END IF;
    RETURN least(v_found, 9223372036854775807);
END $$;

-- Move what lies in an account's sub-balances into its own row. Works only inside the transfer's trigger.
CREATE OR REPLACE FUNCTION ledger_drain(p_account bigint, p_needed bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_drained bigint;
BEGIN
    PERFORM ledger_lock_sub_balances(p_account, p_needed);
    WITH free AS MATERIALIZED (
        SELECT slot, balance FROM ledger_sub_balance WHERE account_id = p_account AND balance > 0
        ORDER BY slot FOR UPDATE SKIP LOCKED
    ), emptied AS (
        UPDATE ledger_sub_balance s SET balance = 0 FROM free
        WHERE s.account_id = p_account AND s.slot = free.slot AND s.slot < 16 RETURNING free.balance AS was
    ), removed AS (
        DELETE FROM ledger_sub_balance s USING free
        WHERE s.account_id = p_account AND s.slot = free.slot AND s.slot >= 16 RETURNING free.balance AS was
    )
    SELECT coalesce(sum(was), 0) INTO v_drained FROM (SELECT was FROM emptied UNION ALL SELECT was FROM removed) gathered;
    UPDATE ledger_account a SET balance = a.balance + v_drained WHERE a.id = p_account;
END $$;

-- A transfer was inserted: refuse it if it does not balance, else write its entries and change the balances.
-- One small statement per leg, each a look-up by primary key: measured at a third of the cost of doing all legs at once.
--
-- A debit of an account with a limit changes its own row, because that is where the limit is. Everything else goes to the
-- account's own row if that is free, and to a sub-balance if somebody holds it: nobody waits to be paid. A sub-balance that exists is
-- used again, so an account that many pay at once soon has one for each connection that pays it.
-- Locks: debited own rows and the sub-balances gathered for them, which the posting functions hold already. Nothing else here waits,
-- so that whoever holds a sub-balance is never waiting for anybody.
CREATE OR REPLACE FUNCTION ledger_apply_transfer() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    -- Sticky per connection: two connections that credit the same account seldom meet.
    v_slot CONSTANT integer := pg_backend_pid() & 15;
    v_accounts CONSTANT bigint[] := NEW.accounts;
    v_amounts CONSTANT bigint[] := NEW.amounts;
    v_account bigint;
    v_amount bigint;
    v_before bigint := 0;
    v_total numeric := 0;
    v_currency text;
    v_first text;
    v_mixed boolean := false;
BEGIN
    IF (NEW.kind = 'single' AND cardinality(v_accounts) BETWEEN 2 AND 1000 AND cardinality(v_accounts) = cardinality(v_amounts)
        AND NEW.refers_to IS NULL AND NEW.expires_at IS NULL) IS NOT TRUE THEN
        PERFORM ledger_check_shape(NEW);
        PERFORM ledger_check_reference(NEW);
        IF NEW.kind = 'hold' THEN
            PERFORM ledger_check_balanced(NEW);
            PERFORM ledger_drain(a.id, -n.amount) FROM unnest(v_accounts, v_amounts) n (account, amount)
            JOIN ledger_account a ON a.id = n.account
            WHERE n.amount < 0 AND NOT a.may_go_negative AND a.balance - a.held + n.amount < 0;
            UPDATE ledger_account a SET held = a.held - n.amount
            FROM unnest(v_accounts, v_amounts) n (account, amount) WHERE a.id = n.account AND n.amount < 0;
            INSERT INTO ledger_open_hold (transfer_id, expires_at) VALUES (NEW.id, NEW.expires_at);
            RETURN NULL;
        END IF;
    END IF;
    FOR i IN 1 .. cardinality(v_accounts) LOOP
        v_account := v_accounts[i];
        v_amount := v_amounts[i];
        v_total := v_total + v_amount;
        v_currency := NULL;
        IF v_amount < 0 THEN
            UPDATE ledger_account a SET balance = a.balance + v_amount
            WHERE a.id = v_account AND NOT a.may_go_negative AND a.balance - a.held + v_amount >= 0
            RETURNING a.currency INTO v_currency;
            IF v_currency IS NULL AND EXISTS (SELECT FROM ledger_account a WHERE a.id = v_account AND NOT a.may_go_negative) THEN
                -- The own row is short. With its sub-balances it suffices, or the CHECK refuses.
                PERFORM ledger_drain(v_account, -v_amount);
                UPDATE ledger_account a SET balance = a.balance + v_amount
                WHERE a.id = v_account RETURNING a.currency INTO v_currency;
            END IF;
        END IF;
        IF v_currency IS NULL THEN
            UPDATE ledger_sub_balance s SET balance = s.balance + v_amount
            WHERE s.account_id = v_account AND s.slot = (
                SELECT f.slot FROM ledger_sub_balance f
                WHERE f.account_id = v_account AND f.slot = v_slot AND (v_amount > 0 OR f.may_go_negative)
                FOR NO KEY UPDATE SKIP LOCKED)
            RETURNING s.currency INTO v_currency;
            IF v_currency IS NULL THEN
                UPDATE ledger_account a SET balance = a.balance + v_amount
                WHERE a.id = (SELECT f.id FROM ledger_account f WHERE f.id = v_account FOR NO KEY UPDATE SKIP LOCKED)
                RETURNING a.currency INTO v_currency;
                IF v_currency IS NULL THEN
                    INSERT INTO ledger_sub_balance AS s (account_id, slot, may_go_negative, balance, currency)
                    SELECT a.id, v_slot, a.may_go_negative, v_amount, a.currency FROM ledger_account a WHERE a.id = v_account
                    ON CONFLICT (account_id, slot) DO NOTHING RETURNING s.currency INTO v_currency;
                    IF v_currency IS NULL THEN
                        -- Somebody gathers the sub-balances in order to spend them. Waiting for that could be waiting for
                        -- each other, so this credit gets a slot that nobody else knows; the next to gather removes it.
                        INSERT INTO ledger_sub_balance AS s (account_id, slot, may_go_negative, balance, currency)
                        SELECT a.id, 16 + (NEW.id & 1073741823)::integer, a.may_go_negative, v_amount, a.currency
                        FROM ledger_account a WHERE a.id = v_account
                        ON CONFLICT (account_id, slot) DO UPDATE SET balance = s.balance + EXCLUDED.balance
                        RETURNING s.currency INTO v_currency;
                    END IF;
                END IF;
            END IF;
        END IF;
        IF i = 1 THEN
            v_first := v_currency;
        END IF;
        -- In order, and so each account once.
        v_mixed := v_mixed OR v_currency IS DISTINCT FROM v_first OR v_account <= v_before OR v_amount = 0;
        v_before := v_account;
    END LOOP;
    IF v_total <> 0 OR v_mixed OR v_currency IS NULL THEN
        PERFORM ledger_check_balanced(NEW);
    END IF;
    INSERT INTO ledger_entry (account_id, transfer_id, amount)
    SELECT n.account, NEW.id, n.amount FROM unnest(v_accounts, v_amounts) n (account, amount);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER ledger_transfer_applied AFTER INSERT ON ledger_transfer
    FOR EACH ROW EXECUTE FUNCTION ledger_apply_transfer();

-- Raise unless a transfer has what its kind must have, and nothing else.
CREATE OR REPLACE FUNCTION ledger_check_shape(p_transfer ledger_transfer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF (p_transfer.kind IN ('single', 'hold', 'post', 'void', 'expire', 'reversal')
        AND cardinality(p_transfer.accounts) = cardinality(p_transfer.amounts)
        AND CASE WHEN p_transfer.kind IN ('void', 'expire') THEN cardinality(p_transfer.accounts) = 0
                 ELSE cardinality(p_transfer.accounts) BETWEEN 2 AND 1000 END
        AND (p_transfer.refers_to IS NOT NULL) = (p_transfer.kind IN ('post', 'void', 'expire', 'reversal'))
        AND (p_transfer.refers_to < p_transfer.id) IS NOT FALSE
        AND (p_transfer.expires_at IS NULL OR p_transfer.kind = 'hold')) IS NOT TRUE THEN
        RAISE EXCEPTION 'transfer % has not the shape of a %: 2 to 1000 legs, or none for a void; a reference for what ends or reverses another',
            p_transfer.id, p_transfer.kind
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_shape', TABLE = 'ledger_transfer';
    END IF;
END $$;

-- Raise unless a transfer names accounts that exist, in order of id and each once, and sums to zero in each currency.
CREATE OR REPLACE FUNCTION ledger_check_balanced(p_transfer ledger_transfer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_bad record;
BEGIN
    FOR i IN 2 .. cardinality(p_transfer.accounts) LOOP
        IF (p_transfer.accounts[i] > p_transfer.accounts[i - 1]) IS NOT TRUE THEN
            RAISE EXCEPTION 'transfer % does not name its accounts in order of id, each once', p_transfer.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_legs_ordered', TABLE = 'ledger_transfer';
        END IF;
    END LOOP;
    SELECT a.currency, sum(n.amount) AS total INTO v_bad
    FROM unnest(p_transfer.accounts, p_transfer.amounts) n (account, amount) LEFT JOIN ledger_account a ON a.id = n.account
    GROUP BY a.currency
    HAVING a.currency IS NULL OR sum(n.amount) <> 0 OR bool_or(n.amount = 0) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'transfer % does not balance: % % too many, or an account that does not exist',
            p_transfer.id, v_bad.total, coalesce(v_bad.currency, '?')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_balanced', TABLE = 'ledger_transfer';
    END IF;
END $$;

-- Raise unless what a transfer refers to allows it. When it ends a hold, release what that held, so that the legs of a
-- post may use it. A hold itself refers to nothing.
CREATE OR REPLACE FUNCTION ledger_check_reference(p_transfer ledger_transfer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_earlier ledger_transfer;
    v_expires_at timestamptz;
    v_faithful boolean;
BEGIN
    IF p_transfer.kind = 'hold' THEN
        RETURN;
    END IF;
    SELECT * INTO v_earlier FROM ledger_transfer t WHERE t.id = p_transfer.refers_to;
    IF p_transfer.kind = 'reversal' THEN
        v_faithful := v_earlier.kind IN ('single', 'post', 'reversal') AND p_transfer.accounts = v_earlier.accounts
            AND NOT EXISTS (SELECT FROM unnest(p_transfer.amounts, v_earlier.amounts) n (mine, theirs) WHERE mine <> -theirs);
    ELSE
        DELETE FROM ledger_open_hold WHERE transfer_id = p_transfer.refers_to RETURNING expires_at INTO v_expires_at;
        v_faithful := FOUND AND CASE p_transfer.kind
            WHEN 'void' THEN true
            WHEN 'expire' THEN coalesce(v_expires_at <= clock_timestamp(), false)
            ELSE coalesce(v_expires_at > p_transfer.recorded_at, true) AND NOT EXISTS (
                SELECT FROM unnest(p_transfer.accounts, p_transfer.amounts) mine (account, amount)
                LEFT JOIN unnest(v_earlier.accounts, v_earlier.amounts) plan (account, amount) USING (account)
                WHERE plan.amount IS NULL OR sign(mine.amount) <> sign(plan.amount) OR abs(mine.amount) > abs(plan.amount))
            END;
        UPDATE ledger_account a SET held = a.held + n.amount
        FROM unnest(v_earlier.accounts, v_earlier.amounts) n (account, amount) WHERE a.id = n.account AND n.amount < 0;
    END IF;
    IF v_faithful IS NOT TRUE THEN
        RAISE EXCEPTION 'transfer % (%) goes beyond transfer %, which it refers to', p_transfer.id, p_transfer.kind, p_transfer.refers_to
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_faithful', TABLE = 'ledger_transfer';
    END IF;
END $$;
