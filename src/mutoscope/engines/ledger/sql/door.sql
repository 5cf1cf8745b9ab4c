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
-- Each statement of a posting costs as much as the row it writes. So there is one for the debit, one for the transfer and one for all
-- entries and credits, and whatever is seldom needed stands in a function of its own.

CREATE OR REPLACE VIEW ledger_posting AS
SELECT NULL::text AS key, NULL::bigint[] AS accounts, NULL::bigint[] AS amounts, NULL::jsonb AS metadata,
    NULL::timestamptz AS effective_at, NULL::text AS kind, NULL::bigint AS refers_to, NULL::timestamptz AS expires_at,
    NULL::text AS outcome, NULL::bigint AS transfer_id, NULL::timestamptz AS recorded_at,
    NULL::bigint AS account_id, NULL::bigint AS needed, NULL::bigint AS available
WHERE false;
ALTER VIEW ledger_posting ALTER COLUMN kind SET DEFAULT 'single', ALTER COLUMN metadata SET DEFAULT '{}';

-- The way of nearly every transfer: one account with a limit pays one or two others. Two costs decide how this is written. PL/pgSQL
-- prepares each expression of a function anew in each transaction, which takes longer than to evaluate it: so there are few and small
-- ones, gone through for each leg, and what a constraint refuses anyway (a leg that is NULL, say) is not asked for first. And each statement
-- costs as much as the row it writes: so there is one for all entries and credits. None may have a plan that depends
-- on what the planner last counted, or PostgreSQL plans it anew at each call: hence no join and no ANY (array). As soon as anything is
-- out of the ordinary, ledger_post_any does it.
CREATE OR REPLACE FUNCTION ledger_apply_posting() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    -- Sticky per connection, so that an account has no more sub-balances than connections pay it.
    v_slot integer := pg_backend_pid() & 15;
    v_account bigint;
    v_amount bigint;
    v_before bigint;
    v_total bigint;
    v_currency text;
    v_written integer;
BEGIN
    IF NEW.kind = 'single' AND NEW.refers_to IS NULL AND NEW.expires_at IS NULL AND NEW.effective_at IS NULL
        AND cardinality(NEW.accounts) <= 3 THEN
        FOR i IN 1 .. cardinality(NEW.accounts) LOOP
            v_account := NEW.accounts[i];
            v_amount := NEW.amounts[i];
            IF v_account <= v_before OR v_amount = 0 THEN
                PERFORM ledger_check_balanced(NEW);
            END IF;
            v_before := v_account;
            v_total := coalesce(v_total, 0) + v_amount;
            IF v_amount < 0 THEN
                UPDATE ledger_account a SET available = a.available + v_amount
                WHERE a.id = v_account AND a.available + v_amount >= 0 AND v_currency IS NULL
                RETURNING a.currency INTO v_currency;
                IF v_currency IS NULL THEN
                    v_currency := ledger_take_gathered(v_account, v_amount);
                    IF v_currency IS NULL THEN
                        PERFORM ledger_put_back(NEW.accounts[:i - 1], NEW.amounts[:i - 1], false);
                        NEW := ledger_post_any(NEW);
                        RETURN NEW;
                    END IF;
                END IF;
            END IF;
        END LOOP;
        IF v_total = 0 THEN
            -- The debit gave this transaction an id, before the transfer draws its own: sealing relies on that order.
            INSERT INTO ledger_transfer AS t (kind, key, accounts, amounts, metadata)
            VALUES ('single', NEW.key, NEW.accounts, NEW.amounts, NEW.metadata)
            ON CONFLICT ON CONSTRAINT ledger_transfer_key_once DO NOTHING
            RETURNING t.id, t.recorded_at, 'posted' INTO NEW.transfer_id, NEW.recorded_at, NEW.outcome;
            IF NEW.transfer_id IS NULL THEN
                PERFORM ledger_put_back(NEW.accounts, NEW.amounts, false);
                NEW := ledger_known(NEW);
                RETURN NEW;
            END IF;
            IF NOT pg_try_advisory_xact_lock(1279607879, v_slot) THEN
                v_slot := ledger_free_slot(v_slot);
            END IF;
            -- A new sub-balance is checked by its own trigger (guards.sql); one that is there has its currency.
            WITH written AS (
                INSERT INTO ledger_entry (account_id, transfer_id, amount)
                SELECT unnest(NEW.accounts), NEW.transfer_id, unnest(NEW.amounts)
                RETURNING account_id, amount
            )
            INSERT INTO ledger_sub_balance AS s (account_id, slot, balance, currency)
            SELECT w.account_id, v_slot, w.amount, v_currency FROM written w WHERE w.amount > 0
            ON CONFLICT (account_id, slot) DO UPDATE SET balance = s.balance + EXCLUDED.balance WHERE s.currency = EXCLUDED.currency;
            GET DIAGNOSTICS v_written = ROW_COUNT;
            -- Another who pays, or another currency.
            IF v_written + 1 <> cardinality(NEW.accounts) THEN
                PERFORM ledger_check_balanced(NEW);
            END IF;
            RETURN NEW;
        END IF;
        PERFORM ledger_check_balanced(NEW);
    END IF;
    NEW := ledger_post_any(NEW);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER ledger_posting_applied INSTEAD OF INSERT ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION ledger_apply_posting();
