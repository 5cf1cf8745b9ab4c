-- The rules of a receipt, by a trigger and no longer by CHECKs: PostgreSQL reads the text of a table's CHECKs anew for each INSERT, and of
-- these four that was a sixth of the whole click (docs/performance.md). An error names the rule as a CHECK's would.
CREATE FUNCTION billing_check_purchase() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_broken text := CASE
        WHEN NEW.term NOT IN ('day', 'month', 'lifetime') THEN 'billing_purchase_term'
        WHEN NEW.price_points <> NEW.credit_points + NEW.discount_points + NEW.fee_points + NEW.creator_points
            OR least(NEW.credit_points, NEW.discount_points, NEW.fee_points, NEW.creator_points) < 0
            THEN 'billing_purchase_parts_add_up'
        -- Paid, and then the creator had something of it; or a share in a bundle so small that the whole one's fee took it; or given.
        WHEN NOT CASE WHEN NEW.transfer_id IS NULL THEN NEW.creator_points = 0 AND NEW.fee_points = 0 AND NEW.discount_points >= 1
            ELSE NEW.creator_points >= 1 OR NEW.bundle_purchase_id IS NOT NULL AND NEW.price_points >= 1 END
            THEN 'billing_purchase_paid_or_given'
        -- For ever is what has no end, and nothing else.
        WHEN (NEW.term = 'lifetime') <> (NEW.expires_at IS NULL) OR NEW.expires_at <= NEW.starts_at THEN 'billing_purchase_period' END;
BEGIN
    IF v_broken IS NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'new row for relation "billing_purchase" violates check constraint "%"', v_broken
        USING ERRCODE = 'check_violation', CONSTRAINT = v_broken, TABLE = 'billing_purchase';
END $$;
CREATE TRIGGER billing_purchase_checked BEFORE INSERT OR UPDATE ON billing_purchase
    FOR EACH ROW EXECUTE FUNCTION billing_check_purchase();
