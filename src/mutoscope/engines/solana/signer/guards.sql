-- What no Python can get around: which state may follow which, and that what was asked stays as it was asked.

CREATE OR REPLACE FUNCTION solana_signer_job_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'signer job % is never deleted', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.key, NEW.kind, NEW.wallet_id, NEW.mint, NEW.destination, NEW.amount, NEW.receipt, NEW.receiver, NEW.requested_at)
        IS DISTINCT FROM
       (OLD.key, OLD.kind, OLD.wallet_id, OLD.mint, OLD.destination, OLD.amount, OLD.receipt, OLD.receiver, OLD.requested_at) THEN
        RAISE EXCEPTION 'signer job %: what was asked cannot be changed', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> OLD.state AND NOT (OLD.state, NEW.state) IN (
        ('requested', 'signed'), ('requested', 'failed'), ('requested', 'voided'), ('requested', 'settled'),
        ('signed', 'sent'), ('signed', 'confirmed'), ('signed', 'settled'), ('signed', 'failed'), ('signed', 'expired'),
        ('sent', 'confirmed'), ('sent', 'settled'), ('sent', 'failed'), ('sent', 'expired'),
        ('confirmed', 'sent'), ('confirmed', 'settled'), ('confirmed', 'failed'), ('confirmed', 'expired'),
        ('expired', 'signed'), ('expired', 'failed'), ('expired', 'voided'), ('expired', 'settled')
    ) THEN
        RAISE EXCEPTION 'signer job %: % does not become %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
    END IF;
    -- Money may still move, or has moved, as long as a leg binds.
    IF NEW.state <> OLD.state AND NEW.state IN ('failed', 'voided', 'expired')
        AND EXISTS (SELECT 1 FROM solana_signer_leg WHERE job_id = NEW.id AND binding) THEN
        RAISE EXCEPTION 'signer job %: an attempt of it may still land', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER solana_signer_job_guard BEFORE UPDATE OR DELETE ON solana_signer_job
    FOR EACH ROW EXECUTE FUNCTION solana_signer_job_guard();

-- A request begins at the beginning, whoever writes it.
CREATE OR REPLACE FUNCTION solana_signer_job_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.state := 'requested'; NEW.attempts := 0; NEW.refusals := 0; NEW.alone := false; NEW.signature := ''; NEW.reason := ''; NEW.moved := NULL;
    NEW.requested_at := clock_timestamp(); NEW.changed_at := NEW.requested_at; NEW.not_before := NEW.requested_at;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER solana_signer_job_begins BEFORE INSERT ON solana_signer_job
    FOR EACH ROW EXECUTE FUNCTION solana_signer_job_begins();

-- Every change of state leaves an event in the same transaction.
CREATE OR REPLACE FUNCTION solana_signer_job_tells() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO solana_signer_event (job_id, kind, key, state, signature, reason)
    VALUES (NEW.id, NEW.kind, NEW.key, NEW.state, NEW.signature, NEW.reason);
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER solana_signer_job_tells AFTER UPDATE OF state ON solana_signer_job
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION solana_signer_job_tells();

-- A leg that binds is let go only when its attempt failed or expired; nothing else of it changes, and it is never deleted.
CREATE OR REPLACE FUNCTION solana_signer_leg_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'leg % of a signed transaction is never deleted', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.attempt_id, NEW.job_id, NEW.kind, NEW.mint, NEW.origin, NEW.destination, NEW.amount, NEW.signed_at)
        IS DISTINCT FROM (OLD.attempt_id, OLD.job_id, OLD.kind, OLD.mint, OLD.origin, OLD.destination, OLD.amount, OLD.signed_at)
        OR (NEW.binding AND NOT OLD.binding) THEN
        RAISE EXCEPTION 'leg % of a signed transaction does not change', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.binding AND NOT NEW.binding
        AND NOT EXISTS (SELECT 1 FROM solana_signer_attempt WHERE id = OLD.attempt_id AND state IN ('failed', 'expired')) THEN
        RAISE EXCEPTION 'leg %: its attempt may still land', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER solana_signer_leg_guard BEFORE UPDATE OR DELETE ON solana_signer_leg
    FOR EACH ROW EXECUTE FUNCTION solana_signer_leg_guard();

-- An index, once passed, is passed.
CREATE OR REPLACE FUNCTION solana_sealed_seed_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.next_index < OLD.next_index OR NEW.version < OLD.version
        OR (NEW.purpose, NEW.epoch) IS DISTINCT FROM (OLD.purpose, OLD.epoch) THEN
        RAISE EXCEPTION 'seed % of epoch % does not go back', OLD.purpose, OLD.epoch USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER solana_sealed_seed_guard BEFORE UPDATE ON solana_sealed_seed
    FOR EACH ROW EXECUTE FUNCTION solana_sealed_seed_guard();

-- An address, once derived, is that address; a claim is for ever.
CREATE OR REPLACE FUNCTION solana_wallet_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.epoch, NEW.index, NEW.address, NEW.created_at) IS DISTINCT FROM (OLD.epoch, OLD.index, OLD.address, OLD.created_at)
        OR (OLD.reference IS NOT NULL AND NEW.reference IS DISTINCT FROM OLD.reference) THEN
        RAISE EXCEPTION 'wallet % does not change', OLD.address USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER solana_wallet_guard BEFORE UPDATE ON solana_wallet
    FOR EACH ROW EXECUTE FUNCTION solana_wallet_guard();
