-- The door for one transfer or hold: INSERT INTO ledger_posting (key, accounts, amounts, ...) RETURNING outcome, transfer_id, ...
-- Legs come in order of account id, each account once. Outcomes: posted, repeated (same key, same content: the first result),
-- key_reused (same key, other content), insufficient (with the account, what it would take, what there is). A refusal leaves
-- nothing behind and the caller's transaction usable; a malformed transfer raises.
--
-- One lock order, the same everywhere:
--   1. the transfer referred to, if any;
--   2. own rows of the accounts debited, in order of id;
--   3. the idempotency key.
-- A credit waits for nothing: it goes to a sub-balance in a slot that this transaction has to itself. Nor does a debit wait for
-- credits: it counts those it can see, and what it cannot see yet is only more money. So two postings can wait for each other only
-- if one transaction makes several, in different orders: post them linked instead.
--
-- Each statement of a posting costs as much as the row it writes. So there is one for the debit, one for the transfer, one for all
-- entries and one for all credits, and whatever is seldom needed stands in a function of its own.

CREATE OR REPLACE VIEW ledger_posting AS
SELECT NULL::text AS key, NULL::bigint[] AS accounts, NULL::bigint[] AS amounts, NULL::jsonb AS metadata,
    NULL::timestamptz AS effective_at, NULL::text AS kind, NULL::bigint AS refers_to, NULL::timestamptz AS expires_at,
    NULL::text AS outcome, NULL::bigint AS transfer_id, NULL::timestamptz AS recorded_at,
    NULL::bigint AS account_id, NULL::bigint AS needed, NULL::bigint AS available
WHERE false;
ALTER VIEW ledger_posting ALTER COLUMN kind SET DEFAULT 'single', ALTER COLUMN metadata SET DEFAULT '{}';

CREATE OR REPLACE FUNCTION ledger_apply_posting() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_accounts CONSTANT bigint[] := NEW.accounts;
    v_amounts CONSTANT bigint[] := NEW.amounts;
    v_key CONSTANT text := NEW.key;
    v_kind CONSTANT text := NEW.kind;
    v_metadata CONSTANT jsonb := NEW.metadata;
    v_effective_at CONSTANT timestamptz := NEW.effective_at;
    v_legs CONSTANT integer := cardinality(v_accounts);
    -- Sticky per connection, so that an account has no more sub-balances than connections pay it.
    v_slot integer := pg_backend_pid() & 15;
    v_account bigint;
    v_amount bigint;
    v_before bigint := 0;
    v_total bigint := 0;
    v_credits integer := 0;
    v_credited integer := 0;
    v_currency text;
    v_found text;
    v_plain boolean := true;
    v_taken record;
    v_known ledger_posting;
    v_transaction xid8;
    v_id bigint;
    v_recorded_at timestamptz;
BEGIN
    IF v_kind = 'single' AND v_legs BETWEEN 2 AND 1000 AND v_legs = cardinality(v_amounts)
        AND NEW.refers_to IS NULL AND NEW.expires_at IS NULL THEN
        NULL;
    ELSE
        PERFORM ledger_check_shape(NEW);
        PERFORM ledger_check_balanced(NEW);
        v_known := ledger_known(NEW);
        IF v_known.outcome IS NOT NULL THEN
            RETURN v_known;
        END IF;
        PERFORM ledger_check_reference(NEW);
    END IF;

    FOR i IN 1 .. v_legs LOOP
        v_account := v_accounts[i];
        v_amount := v_amounts[i];
        IF v_account > v_before AND v_amount <> 0 THEN
            v_before := v_account;
            v_total := v_total + v_amount;
        ELSE
            PERFORM ledger_check_balanced(NEW);
        END IF;
        IF v_amount > 0 THEN
            v_credits := v_credits + 1;
            CONTINUE;
        END IF;
        v_found := NULL;
        IF v_kind <> 'hold' THEN
            UPDATE ledger_account a SET available = a.available + v_amount
            WHERE a.id = v_account AND a.available + v_amount >= 0 RETURNING a.currency INTO v_found;
        END IF;
        IF v_found IS NULL THEN
            v_taken := ledger_take(v_account, v_amount, v_kind = 'hold');
            IF v_taken.short THEN
                PERFORM ledger_put_back(v_accounts[:i - 1], v_amounts[:i - 1], v_kind = 'hold');
                -- What is short now may have been posted before: a second click waits above, and finds the first one's transfer here.
                v_known := ledger_known(NEW);
                IF v_known.outcome IS NULL THEN
                    v_known.outcome := 'insufficient';
                    v_known.account_id := v_account;
                    v_known.needed := -v_amount;
                    v_known.available := v_taken.free;
                END IF;
                RETURN v_known;
            END IF;
            v_found := v_taken.currency;
            v_plain := v_plain AND NOT v_taken.unlimited;
        END IF;
        IF v_found = v_currency OR v_currency IS NULL THEN
            v_currency := v_found;
        ELSE
            v_plain := false;
        END IF;
    END LOOP;
    IF v_total <> 0 THEN
        PERFORM ledger_check_balanced(NEW);
    END IF;

    -- A transaction has its own id before it draws a transfer's: sealing relies on that order. A debit gave it one, as a rule.
    v_transaction := pg_current_xact_id();
    INSERT INTO ledger_transfer AS t (kind, key, accounts, amounts, metadata, effective_at, expires_at, refers_to)
    VALUES (v_kind, v_key, v_accounts, v_amounts, v_metadata, v_effective_at, NEW.expires_at, NEW.refers_to)
    ON CONFLICT ON CONSTRAINT ledger_transfer_key_once DO NOTHING RETURNING t.id, t.recorded_at INTO v_id, v_recorded_at;
    IF v_id IS NULL THEN
        PERFORM ledger_put_back(v_accounts, v_amounts, v_kind = 'hold');
        v_known := ledger_known(NEW);
        RETURN v_known;
    END IF;

    IF v_kind <> 'hold' THEN
        INSERT INTO ledger_entry (account_id, transfer_id, amount) SELECT unnest(v_accounts), v_id, unnest(v_amounts);
    END IF;
    IF NOT pg_try_advisory_xact_lock(1279607879, v_slot) THEN
        v_slot := ledger_free_slot(v_slot);
    END IF;
    IF v_plain AND v_kind <> 'hold' THEN
        UPDATE ledger_sub_balance s SET balance = s.balance + v_amounts[array_position(v_accounts, s.account_id)]
        WHERE s.account_id = ANY (v_accounts) AND s.slot = v_slot AND s.currency = v_currency
            AND v_amounts[array_position(v_accounts, s.account_id)] > 0;
        GET DIAGNOSTICS v_credited = ROW_COUNT;
    END IF;
    IF v_credited <> v_credits OR NOT v_plain THEN
        PERFORM ledger_check_balanced(NEW);
        PERFORM ledger_credit_rest(v_accounts, v_amounts, v_slot, CASE WHEN v_plain THEN v_currency END, v_kind = 'hold');
    END IF;
    IF v_kind <> 'single' OR v_effective_at IS NOT NULL THEN
        PERFORM ledger_note(v_id, v_kind, NEW.refers_to, NEW.expires_at, v_effective_at);
    END IF;
    NEW.outcome := 'posted';
    NEW.transfer_id := v_id;
    NEW.recorded_at := v_recorded_at;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER ledger_posting_applied INSTEAD OF INSERT ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION ledger_apply_posting();

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

-- Undo what ledger_take and the debits did for these legs. The rows are locked already.
CREATE OR REPLACE FUNCTION ledger_put_back(p_accounts bigint[], p_amounts bigint[], p_hold boolean) RETURNS void
LANGUAGE sql AS $$
    UPDATE ledger_account a
    SET available = CASE WHEN a.may_go_negative THEN a.available ELSE a.available - n.amount END,
        held = CASE WHEN p_hold THEN a.held + n.amount ELSE a.held END
    FROM unnest(p_accounts, p_amounts) n (account, amount)
    WHERE a.id = n.account AND n.amount < 0 AND (p_hold OR NOT a.may_go_negative)
$$;

-- What the one statement for all credits did not write: the first credit of an account in this slot, legs of a second currency, and
-- the debits of accounts without a limit. With p_currency, rows of that currency which exist were written already.
CREATE OR REPLACE FUNCTION ledger_credit_rest(
    p_accounts bigint[], p_amounts bigint[], p_slot integer, p_currency text, p_hold boolean
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO ledger_sub_balance AS s (account_id, slot, balance, currency)
    SELECT a.id, p_slot, n.amount, a.currency
    FROM unnest(p_accounts, p_amounts) n (account, amount) JOIN ledger_account a ON a.id = n.account
    WHERE CASE WHEN n.amount < 0 THEN a.may_go_negative
        ELSE NOT p_hold AND (p_currency IS DISTINCT FROM a.currency
            OR NOT EXISTS (SELECT FROM ledger_sub_balance e WHERE e.account_id = a.id AND e.slot = p_slot)) END
    ON CONFLICT (account_id, slot) DO UPDATE SET balance = s.balance + EXCLUDED.balance
$$;

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

-- Rows beside the transfer, for the kinds that need them.
CREATE OR REPLACE FUNCTION ledger_note(
    p_id bigint, p_kind text, p_refers_to bigint, p_expires_at timestamptz, p_effective_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_kind = 'hold' THEN
        INSERT INTO ledger_open_hold (transfer_id, expires_at) VALUES (p_id, p_expires_at);
    END IF;
    IF p_refers_to IS NOT NULL THEN
        INSERT INTO ledger_reference (earlier_id, transfer_id) VALUES (p_refers_to, p_id);
    END IF;
    IF p_effective_at IS NOT NULL THEN
        INSERT INTO ledger_backdated (transfer_id, effective_at) VALUES (p_id, p_effective_at);
    END IF;
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
