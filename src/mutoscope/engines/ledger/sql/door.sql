-- The two doors for one transfer. For a payment, where one account pays one or two others:
--   INSERT INTO ledger_payment (key, payer, payee, amount, payee_2, amount_2, metadata) RETURNING outcome, transfer_id, ...
-- and for any transfer or hold, by its legs in order of account id, each account once:
--   INSERT INTO ledger_posting (key, accounts, amounts, ...) RETURNING outcome, transfer_id, ...
-- Outcomes: posted, repeated (same key, same content: the first result), key_reused (same key, other content), insufficient (with what
-- there is, and the account and what it would take). A refusal leaves nothing behind and the caller's transaction usable; a malformed
-- transfer raises. Whichever door a transfer came through, it is the same transfer.
--
-- One lock order, the same everywhere:
--   1. the transfer referred to, if any;
--   2. own rows of the accounts debited, in order of id;
--   3. the idempotency key.
-- A credit waits for nothing: it goes to a sub-balance in a slot that this transaction has to itself. Nor does a debit wait for
-- credits: it counts those it can see, and what it cannot see yet is only more money. So two postings can wait for each other only
-- if one transaction makes several, in different orders: post them linked instead.

CREATE OR REPLACE VIEW ledger_payment AS
SELECT NULL::text AS key, NULL::bigint AS payer, NULL::bigint AS payee, NULL::bigint AS amount, NULL::bigint AS payee_2,
    NULL::bigint AS amount_2, NULL::jsonb AS metadata,
    NULL::text AS outcome, NULL::bigint AS transfer_id, NULL::timestamptz AS recorded_at, NULL::bigint AS available
WHERE false;
-- What is not refused is posted: as a default that costs nothing, while an assignment costs as much as a fifth of a statement.
ALTER VIEW ledger_payment ALTER COLUMN metadata SET DEFAULT '{}', ALTER COLUMN outcome SET DEFAULT 'posted';

CREATE OR REPLACE VIEW ledger_posting AS
SELECT NULL::text AS key, NULL::bigint[] AS accounts, NULL::bigint[] AS amounts, NULL::jsonb AS metadata,
    NULL::timestamptz AS effective_at, NULL::text AS kind, NULL::bigint AS refers_to, NULL::timestamptz AS expires_at,
    NULL::text AS outcome, NULL::bigint AS transfer_id, NULL::timestamptz AS recorded_at,
    NULL::bigint AS account_id, NULL::bigint AS needed, NULL::bigint AS available
WHERE false;
ALTER VIEW ledger_posting ALTER COLUMN kind SET DEFAULT 'single', ALTER COLUMN metadata SET DEFAULT '{}';

-- A payment. Three costs decide how this is written. PL/pgSQL prepares each expression of a function anew in each transaction, which
-- takes longer than to evaluate it: so what makes a payment well-formed is asked in the debit, and what is out of the ordinary is one
-- IF each, done by a function of its own. Each statement costs as much as the row it writes: so there is one for the debit, one for the
-- journal and one for the credits. And each column of a statement costs: so there are few. None may have a plan that depends on what the
-- planner last counted, or PostgreSQL plans it anew at each call: hence no join and no ANY (array).
CREATE OR REPLACE FUNCTION ledger_apply_payment() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    -- Sticky per connection, so that an account has no more sub-balances than connections pay it.
    v_slot integer := pg_backend_pid() & 15;
    v_currency text;
BEGIN
    UPDATE ledger_account a SET available = a.available - (NEW.amount + coalesce(NEW.amount_2, 0))
    WHERE a.id = NEW.payer AND a.available >= NEW.amount + coalesce(NEW.amount_2, 0)
        AND (NEW.payee IS NULL OR a.id = NEW.payee OR a.id = NEW.payee_2 OR NEW.payee = NEW.payee_2 OR NEW.amount <= 0 OR NEW.amount_2 <= 0
             OR (NEW.payee_2 IS NULL) <> (NEW.amount_2 IS NULL) OR NEW.outcome IS DISTINCT FROM 'posted') IS NOT TRUE
    RETURNING a.currency INTO v_currency;
    IF v_currency IS NULL THEN
        v_currency := ledger_take_gathered(NEW);
        IF v_currency IS NULL THEN
            NEW := ledger_pay_any(NEW);
            RETURN NEW;
        END IF;
    END IF;
    -- The debit gave this transaction an id, before the transfer draws its own: sealing relies on that order.
    INSERT INTO ledger_journal AS j (payer, payee, amount, payee_2, amount_2, key, metadata)
    VALUES (NEW.payer, NEW.payee, NEW.amount, NEW.payee_2, NEW.amount_2, NEW.key, NEW.metadata)
    ON CONFLICT ON CONSTRAINT ledger_journal_key_once DO NOTHING
    RETURNING j.id, j.recorded_at INTO NEW.transfer_id, NEW.recorded_at;
    IF NEW.transfer_id IS NULL THEN
        NEW := ledger_pay_again(NEW);
        RETURN NEW;
    END IF;
    IF NOT pg_try_advisory_xact_lock(1279607879, v_slot) THEN
        v_slot := ledger_free_slot(v_slot);
    END IF;
    -- A new sub-balance is checked by its own trigger (guards.sql); one that is there has its account's currency.
    INSERT INTO ledger_sub_balance AS s (account_id, slot, balance, currency)
    SELECT n.payee, v_slot, n.amount, v_currency
    FROM (VALUES (NEW.payee, NEW.amount), (NEW.payee_2, NEW.amount_2)) n (payee, amount) WHERE n.payee IS NOT NULL
    ON CONFLICT (account_id, slot) DO UPDATE
        SET balance = CASE WHEN s.currency = EXCLUDED.currency THEN s.balance + EXCLUDED.balance
                           ELSE ledger_refuse_currency(s.account_id, EXCLUDED.currency) END;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER ledger_payment_applied INSTEAD OF INSERT ON ledger_payment
    FOR EACH ROW EXECUTE FUNCTION ledger_apply_payment();

CREATE OR REPLACE FUNCTION ledger_apply_posting() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW := ledger_post_any(NEW);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER ledger_posting_applied INSTEAD OF INSERT ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION ledger_apply_posting();
