-- Every posting there is: holds and their ends, reversals, accounts without a limit, several payers or currencies, many legs, and
-- payments that are short or known. Called by the doors' triggers, and of no use outside them.
CREATE OR REPLACE FUNCTION ledger_post_any(p ledger_posting) RETURNS ledger_posting
LANGUAGE plpgsql AS $$
DECLARE
    v_hold CONSTANT boolean := p.kind = 'hold';
    v_taken record;
    v_transaction xid8;
    v_payment boolean;
BEGIN
    -- What the caller wrote into the answer's columns is no answer.
    p.outcome := NULL;
    p.transfer_id := NULL;
    p.recorded_at := NULL;
    p.account_id := NULL;
    p.needed := NULL;
    p.available := NULL;
    PERFORM ledger_check_shape(p);
    PERFORM ledger_check_balanced(p);
    IF p.refers_to IS NOT NULL THEN
        -- Before anything is released: a repeat of what ended a hold finds the hold ended.
        p := ledger_known(p);
        IF p.outcome IS NOT NULL THEN
            RETURN p;
        END IF;
        PERFORM ledger_check_reference(p);
    END IF;
    FOR i IN 1 .. cardinality(p.accounts) LOOP
        CONTINUE WHEN p.amounts[i] > 0;
        v_taken := ledger_take(p.accounts[i], p.amounts[i], v_hold);
        IF v_taken.short THEN
            PERFORM ledger_put_back(p.accounts[:i - 1], p.amounts[:i - 1], v_hold);
            -- What is short now may have been posted before: a second click waits above, and finds the first one's transfer here.
            p := ledger_known(p);
            IF p.outcome IS NULL THEN
                p.outcome := 'insufficient';
                p.account_id := p.accounts[i];
                p.needed := -p.amounts[i];
                p.available := v_taken.free;
            END IF;
            RETURN p;
        END IF;
    END LOOP;
    -- A transaction has its own id before it draws a transfer's: sealing relies on that order.
    v_transaction := pg_current_xact_id();
    INSERT INTO ledger_journal AS j (payer, payee, amount, payee_2, amount_2, key, metadata, particulars)
    SELECT k.payer, k.payee, k.amount, k.payee_2, k.amount_2, p.key, p.metadata, k.particulars
    FROM ledger_kept(p.kind, p.accounts, p.amounts, p.effective_at, p.expires_at, p.refers_to, NULL) k
    ON CONFLICT ON CONSTRAINT ledger_journal_key_once DO NOTHING
    RETURNING j.id, j.recorded_at, 'posted', j.payer IS NOT NULL INTO p.transfer_id, p.recorded_at, p.outcome, v_payment;
    IF NOT FOUND THEN
        PERFORM ledger_put_back(p.accounts, p.amounts, v_hold);
        RETURN ledger_known(p);
    END IF;
    IF v_hold THEN
        INSERT INTO ledger_open_hold (transfer_id, expires_at) VALUES (p.transfer_id, p.expires_at);
    ELSIF NOT v_payment THEN
        INSERT INTO ledger_entry_apart (account_id, transfer_id, amount)
        SELECT unnest(p.accounts), p.transfer_id, unnest(p.amounts);
    END IF;
    IF p.refers_to IS NOT NULL THEN
        INSERT INTO ledger_reference (earlier_id, transfer_id) VALUES (p.refers_to, p.transfer_id);
    END IF;
    IF p.effective_at IS NOT NULL THEN
        INSERT INTO ledger_backdated (transfer_id, effective_at) VALUES (p.transfer_id, p.effective_at);
    END IF;
    PERFORM ledger_come_in(p.accounts, p.amounts, NOT v_hold, 1);
    RETURN p;
END $$;

-- Take from an account's own row, or set aside there, what the row itself did not seem to have. An account without a limit is
-- not taken from here (its sub-balances are), and not locked either, so that those which pay everybody make nobody wait.
-- Gathering: only debits lower an account with a limit, and this one has it locked, so the sum of the sub-balances that it sees can
-- only be too low.
CREATE OR REPLACE FUNCTION ledger_take(
    p_account bigint, p_amount bigint, p_hold boolean,
    OUT currency text, OUT unlimited boolean, OUT short boolean, OUT free bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_gathered bigint;
    v_came_in bigint;
BEGIN
    SELECT a.currency, a.may_go_negative, false INTO currency, unlimited, short FROM ledger_account a WHERE a.id = p_account;
    IF currency IS NULL THEN
        RAISE EXCEPTION 'there is no account %', p_account
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_balanced', TABLE = 'ledger_transfer';
    END IF;
    IF unlimited THEN
        IF p_hold THEN
            UPDATE ledger_account a SET held = a.held - p_amount WHERE a.id = p_account;
        END IF;
        RETURN;
    END IF;
    SELECT a.available, a.gathered INTO free, v_gathered FROM ledger_account a WHERE a.id = p_account FOR NO KEY UPDATE;
    IF free + p_amount < 0 THEN
        SELECT greatest(sum(s.balance), v_gathered) INTO v_came_in FROM ledger_sub_balance s WHERE s.account_id = p_account;
        free := free + (coalesce(v_came_in, v_gathered) - v_gathered);
        v_gathered := coalesce(v_came_in, v_gathered);
        short := free + p_amount < 0;
    END IF;
    IF NOT short THEN
        UPDATE ledger_account a
        SET available = free + p_amount, gathered = v_gathered, held = CASE WHEN p_hold THEN a.held - p_amount ELSE a.held END
        WHERE a.id = p_account;
    END IF;
END $$;

-- The debit of a payment, where the own row alone did not do. Raises where the payment is malformed. Returns the payer's currency, or
-- NULL and nothing was taken: it is short, or has no limit.
CREATE OR REPLACE FUNCTION ledger_take_gathered(p ledger_payment) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_taken record;
BEGIN
    PERFORM ledger_check_payment(p);
    v_taken := ledger_take(p.payer, -p.amount - coalesce(p.amount_2, 0), false);
    IF v_taken.unlimited OR v_taken.short THEN
        RETURN NULL;
    END IF;
    RETURN v_taken.currency;
END $$;

-- A payment that is out of the ordinary: as any transfer.
CREATE OR REPLACE FUNCTION ledger_pay_any(p ledger_payment) RETURNS ledger_payment
LANGUAGE plpgsql AS $$
BEGIN
    RETURN ledger_answered(p, ledger_post_any(ledger_by_legs(p)));
END $$;

-- A payment whose key is known: what it took goes back.
CREATE OR REPLACE FUNCTION ledger_pay_again(p ledger_payment) RETURNS ledger_payment
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger_account a SET available = a.available + (p.amount + coalesce(p.amount_2, 0)) WHERE a.id = p.payer;
    RETURN ledger_answered(p, ledger_known(ledger_by_legs(p)));
END $$;

-- A payment with its legs as arrays, in order of account.
CREATE OR REPLACE FUNCTION ledger_by_legs(p ledger_payment) RETURNS ledger_posting
LANGUAGE plpgsql AS $$
DECLARE
    v_posting ledger_posting;
BEGIN
    SELECT p.key, 'single', p.metadata, array_agg(n.account ORDER BY n.account), array_agg(n.amount ORDER BY n.account)
        INTO v_posting.key, v_posting.kind, v_posting.metadata, v_posting.accounts, v_posting.amounts
    FROM (VALUES (p.payer, -p.amount - coalesce(p.amount_2, 0)), (p.payee, p.amount), (p.payee_2, p.amount_2)) n (account, amount)
    WHERE n.account IS NOT NULL;
    RETURN v_posting;
END $$;

CREATE OR REPLACE FUNCTION ledger_answered(p ledger_payment, p_posting ledger_posting) RETURNS ledger_payment
LANGUAGE plpgsql AS $$
BEGIN
    p.outcome := p_posting.outcome;
    p.transfer_id := p_posting.transfer_id;
    p.recorded_at := p_posting.recorded_at;
    p.available := p_posting.available;
    RETURN p;
END $$;

-- Undo what ledger_take and the debits did for these legs. The rows are locked already.
CREATE OR REPLACE FUNCTION ledger_put_back(p_accounts bigint[], p_amounts bigint[], p_hold boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger_account a
    SET available = CASE WHEN a.may_go_negative THEN a.available ELSE a.available - n.amount END,
        held = CASE WHEN p_hold THEN a.held + n.amount ELSE a.held END
    FROM unnest(p_accounts, p_amounts) n (account, amount)
    WHERE a.id = n.account AND n.amount < 0 AND (p_hold OR NOT a.may_go_negative);
END $$;

-- Write to sub-balances what these legs move there, times p_sign: the debits of accounts without a limit, and credits if p_credits.
CREATE OR REPLACE FUNCTION ledger_come_in(p_accounts bigint[], p_amounts bigint[], p_credits boolean, p_sign integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_slot integer := pg_backend_pid() & 15;
BEGIN
    IF NOT pg_try_advisory_xact_lock(1279607879, v_slot) THEN
        v_slot := ledger_free_slot(v_slot);
    END IF;
    INSERT INTO ledger_sub_balance AS s (account_id, slot, balance, currency)
    SELECT a.id, v_slot, p_sign * n.amount, a.currency
    FROM unnest(p_accounts, p_amounts) n (account, amount) JOIN ledger_account a ON a.id = n.account
    WHERE CASE WHEN n.amount < 0 THEN a.may_go_negative ELSE p_credits END
    ON CONFLICT (account_id, slot) DO UPDATE SET balance = s.balance + EXCLUDED.balance;
END $$;

-- A slot that no other transaction has: when the sticky one is taken, the next of the same kind, and in the end one by the
-- number of this connection, which nobody else can have.
CREATE OR REPLACE FUNCTION ledger_free_slot(p_slot integer) RETURNS integer
LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. 15 LOOP
        IF pg_try_advisory_xact_lock(1279607879, p_slot + 16 * i) THEN
            RETURN p_slot + 16 * i;
        END IF;
    END LOOP;
    RETURN 256 + pg_backend_pid();
END $$;

-- The same request with the outcome of the transfer that has its key, or with none.
CREATE OR REPLACE FUNCTION ledger_known(p ledger_posting) RETURNS ledger_posting
LANGUAGE plpgsql AS $$
DECLARE
    v_transfer ledger_transfer;
BEGIN
    p.transfer_id := NULL;
    SELECT * INTO v_transfer FROM ledger_transfer t WHERE t.key = p.key;
    IF FOUND THEN
        p.transfer_id := v_transfer.id;
        p.recorded_at := v_transfer.recorded_at;
        p.outcome := CASE WHEN ledger_says(v_transfer, p.kind, p.accounts, p.amounts, p.metadata, p.effective_at, p.refers_to)
            THEN 'repeated' ELSE 'key_reused' END;
    END IF;
    RETURN p;
END $$;

-- Whether a stored transfer has the content of a request. The content itself is compared, so nothing can collide.
CREATE OR REPLACE FUNCTION ledger_says(
    t ledger_transfer, p_kind text, p_accounts bigint[], p_amounts bigint[], p_metadata jsonb, p_effective_at timestamptz,
    p_refers_to bigint
) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT t.kind = p_kind AND t.accounts = p_accounts AND t.amounts = p_amounts AND t.metadata = p_metadata
        AND t.effective_at IS NOT DISTINCT FROM p_effective_at AND t.refers_to IS NOT DISTINCT FROM p_refers_to
$$;
