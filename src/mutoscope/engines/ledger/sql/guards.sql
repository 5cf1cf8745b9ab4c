-- What the database itself enforces, whoever writes and through whatever. There are five doors, each of them a view whose INSERT is done
-- by a trigger: ledger_opening (accounts.sql), ledger_payment and ledger_posting (door.sql), ledger_batch (bulk.sql), ledger_sealing. What they write
-- they check first. Every other write to the tables behind them is refused, because it comes from outside a trigger: the table
-- owner's own INSERT, UPDATE, DELETE and TRUNCATE too. Only DDL (dropping a trigger) gets past that, and `verify` notices.
--
-- No trigger here has a WHEN clause: PostgreSQL reads the text of a WHEN anew for each statement, which costs several times what
-- calling the function does.

CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0]
        USING ERRCODE = 'restrict_violation', HINT = 'Post a transfer, or a reversal, instead.', TABLE = TG_TABLE_NAME;
END $$;

-- History is only ever added to.
CREATE OR REPLACE TRIGGER ledger_transfer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_journal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('history is append-only');
CREATE OR REPLACE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry_apart
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('history is append-only');
CREATE OR REPLACE TRIGGER ledger_reference_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_reference
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('history is append-only');
CREATE OR REPLACE TRIGGER ledger_backdated_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_backdated
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('history is append-only');
CREATE OR REPLACE TRIGGER ledger_seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_seal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('history is append-only');
CREATE OR REPLACE TRIGGER ledger_snapshot_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_snapshot
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('history is append-only');

-- The views of it are read, and say so: PostgreSQL's own refusal would advise to write a rule.
CREATE OR REPLACE TRIGGER ledger_transfer_read_only INSTEAD OF INSERT OR UPDATE OR DELETE ON ledger_transfer
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse('history is append-only');
CREATE OR REPLACE TRIGGER ledger_entry_read_only INSTEAD OF INSERT OR UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse('history is append-only');

-- Accounts and their sub-balances stay, and never become somebody else's.
CREATE OR REPLACE TRIGGER ledger_account_stays BEFORE DELETE OR TRUNCATE ON ledger_account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('an account is never removed');
CREATE OR REPLACE TRIGGER ledger_account_identity_fixed
    BEFORE UPDATE OF id, owner, kind, currency, may_go_negative, opened_at ON ledger_account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('an account keeps its owner, kind, currency and limit');
CREATE OR REPLACE TRIGGER ledger_sub_balance_stays BEFORE DELETE OR TRUNCATE OR UPDATE OF account_id, slot, currency ON ledger_sub_balance
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('a sub-balance belongs to its account');

-- What the doors write, nobody else does. Inside a door's trigger the depth is two or more when this runs.
CREATE OR REPLACE FUNCTION ledger_refuse_by_hand() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() > 1 THEN
        -- Nothing, as there is no row. NULL would be an expression, and an expression costs.
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on % is refused: it follows from transfers', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', HINT = 'INSERT INTO ledger_posting instead.', TABLE = TG_TABLE_NAME;
END $$;
CREATE OR REPLACE TRIGGER ledger_account_by_doors BEFORE INSERT OR UPDATE OF available, held, gathered ON ledger_account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_by_hand();
CREATE OR REPLACE TRIGGER ledger_sub_balance_by_doors BEFORE UPDATE OF balance ON ledger_sub_balance
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_by_hand();
-- For each row, so that a credit which finds its row (ON CONFLICT DO UPDATE) is asked once, as an UPDATE.
CREATE OR REPLACE TRIGGER ledger_sub_balance_new_by_doors AFTER INSERT ON ledger_sub_balance
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_by_hand();
CREATE OR REPLACE TRIGGER ledger_transfer_by_doors BEFORE INSERT ON ledger_journal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_by_hand();
CREATE OR REPLACE TRIGGER ledger_entry_by_doors BEFORE INSERT ON ledger_entry_apart
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_by_hand();
CREATE OR REPLACE TRIGGER ledger_reference_by_doors BEFORE INSERT ON ledger_reference
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_by_hand();
CREATE OR REPLACE TRIGGER ledger_backdated_by_doors BEFORE INSERT ON ledger_backdated
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_by_hand();
CREATE OR REPLACE TRIGGER ledger_seal_by_doors BEFORE INSERT ON ledger_seal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_by_hand();
CREATE OR REPLACE TRIGGER ledger_snapshot_by_doors BEFORE INSERT ON ledger_snapshot
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_by_hand();
CREATE OR REPLACE TRIGGER ledger_open_hold_by_doors BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ledger_open_hold
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_by_hand();

-- A credit in another currency than its account's. In place of a new balance, where the doors add to one (door.sql).
CREATE OR REPLACE FUNCTION ledger_refuse_currency(p_account bigint, p_currency text) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'account % is not one in %', p_account, p_currency
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_balanced', TABLE = 'ledger_sub_balance';
END $$;

-- A sub-balance has its account's currency. Asked when there is a new one and never after: it keeps both (above).
-- For each row, so that an INSERT that finds its row (ON CONFLICT DO UPDATE) does not ask again.
CREATE OR REPLACE FUNCTION ledger_check_sub_balance() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM ledger_account a WHERE a.id = NEW.account_id AND a.currency = NEW.currency;
    IF NOT FOUND THEN
        PERFORM ledger_refuse_currency(NEW.account_id, NEW.currency);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER ledger_sub_balance_of_its_account AFTER INSERT ON ledger_sub_balance
    FOR EACH ROW EXECUTE FUNCTION ledger_check_sub_balance();
