-- What the database refuses whoever asks, a shell with the owner's password included.

-- A transfer says what happened on chain. The one thing that may be added later, once, is whose payment it was.
CREATE OR REPLACE FUNCTION mutoscope_solana_transfer_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a recorded transfer is never deleted' USING ERRCODE = 'restrict_violation',
            CONSTRAINT = 'mutoscope_solana_transfer_is_kept';
    END IF;
    IF OLD.payment_id IS NOT NULL OR to_jsonb(NEW) - 'payment_id' IS DISTINCT FROM to_jsonb(OLD) - 'payment_id' THEN
        RAISE EXCEPTION 'a recorded transfer is allocated once and not changed otherwise'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'mutoscope_solana_transfer_allocated_once';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER mutoscope_solana_transfer_guard BEFORE UPDATE OR DELETE ON mutoscope_solana_transfer
    FOR EACH ROW EXECUTE FUNCTION mutoscope_solana_transfer_guard();

-- A quote is fixed for its life.
CREATE OR REPLACE FUNCTION mutoscope_solana_price_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a price is fixed once it is offered' USING ERRCODE = 'restrict_violation',
        CONSTRAINT = 'mutoscope_solana_price_is_fixed';
END $$;
CREATE OR REPLACE TRIGGER mutoscope_solana_price_guard BEFORE UPDATE ON mutoscope_solana_price
    FOR EACH ROW EXECUTE FUNCTION mutoscope_solana_price_guard();
