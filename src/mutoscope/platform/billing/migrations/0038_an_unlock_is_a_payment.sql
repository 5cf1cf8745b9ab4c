-- Buy one term of one film for one viewer, with a code or without: ledger, receipt, entitlement and the code's use in one statement, so in
-- one transaction and one round trip. What it costs and gives was worked out before, from what `look` saw (unlock/queries.sql); `p_version` says what
-- the viewer had then, and nothing is written if it is no longer so. What the film costs is not looked at again: it is sold as agreed.
--
-- Outcomes: bought; repeated (the same click, sent twice: not a bundle, which was another click, and not another request that has a key of
-- its own, which would not be found by it again); moved (something else happened since: look again);
-- insufficient (with `available`); coupon (the code is used up, ended, or this viewer used it). All but `bought` write nothing.
--
-- Locks: the viewer's entitlement, the code, then the ledger's own order (the viewer's account, credits that wait for nothing, the key).
-- Refunds take them in the same order. The ledger's key is made of viewer, film and version, so of two clicks that saw the
-- same version the second finds the first one's transfer, wherever it came from.
CREATE OR REPLACE FUNCTION billing_unlock(
    p_viewer bigint, p_video bigint, p_channel bigint, p_offer bigint, p_version integer, p_term text,
    p_price integer, p_credit integer, p_fee integer, p_creator integer, p_is_upgrade boolean,
    p_now timestamptz, p_starts_at timestamptz, p_expires_at timestamptz, p_request_key text,
    p_key text, p_viewer_account bigint, p_creator_account bigint, p_fees_account bigint, p_metadata jsonb, p_coupon bigint, p_discount integer,
    OUT outcome text, OUT purchase_id bigint, OUT transfer_id bigint, OUT expires_at timestamptz, OUT available bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_version integer;
    v_posted record;
BEGIN
    SELECT e.version INTO v_version FROM billing_entitlement e
    WHERE e.viewer_id = p_viewer AND e.video_id = p_video FOR NO KEY UPDATE;
    IF coalesce(v_version, 0) <> p_version THEN
        SELECT p.id, p.transfer_id, p.expires_at INTO purchase_id, transfer_id, expires_at FROM billing_purchase p
        WHERE p.viewer_id = p_viewer AND p.video_id = p_video AND p.number = p_version AND p.term = p_term
          AND p.refunded_at IS NULL AND p.bundle_purchase_id IS NULL AND p_request_key IN ('', p.request_key);
        outcome := CASE WHEN FOUND THEN 'repeated' ELSE 'moved' END;
        RETURN;
    END IF;

    IF p_coupon IS NOT NULL THEN
        -- Whoever uses a code waits here for whoever uses it now: so its limit holds, and nothing is written before it is sure to be.
        PERFORM FROM billing_coupon c WHERE c.id = p_coupon FOR NO KEY UPDATE;
        IF NOT EXISTS (
            SELECT FROM billing_coupon c WHERE c.id = p_coupon AND c.ended_at IS NULL AND c.starts_at <= p_now
              AND (c.ends_at IS NULL OR c.ends_at > p_now) AND (c.uses_max IS NULL OR c.uses < c.uses_max)
        ) OR EXISTS (SELECT FROM billing_couponuse u WHERE u.coupon_id = p_coupon AND u.viewer_id = p_viewer) THEN
            -- Used by this very click, sent twice?
            SELECT p.id, p.transfer_id, p.expires_at INTO purchase_id, transfer_id, expires_at FROM billing_purchase p
            WHERE p.viewer_id = p_viewer AND p.video_id = p_video AND p.number = p_version AND p.term = p_term
              AND p.refunded_at IS NULL AND p.bundle_purchase_id IS NULL AND p_request_key IN ('', p.request_key);
            outcome := CASE WHEN FOUND THEN 'repeated' ELSE 'coupon' END;
            RETURN;
        END IF;
    END IF;

    IF p_creator = 0 THEN
        -- Everything is taken off: nothing moves, and the receipt's own key says that it is written once.
        SELECT 'posted' AS outcome, NULL::bigint AS transfer_id, NULL::bigint AS available INTO v_posted;
    ELSE
        -- A fee of nothing is no leg.
        INSERT INTO ledger_payment AS l (key, payer, payee, amount, payee_2, amount_2, metadata)
        VALUES (p_key, p_viewer_account, p_creator_account, p_creator, CASE WHEN p_fee > 0 THEN p_fees_account END, nullif(p_fee, 0), p_metadata)
        RETURNING l.outcome, l.transfer_id, l.available INTO v_posted;
    END IF;
    IF v_posted.outcome = 'insufficient' THEN
        outcome := 'insufficient';
        available := v_posted.available;
        RETURN;
    ELSIF v_posted.outcome <> 'posted' THEN
        -- Another click of this version was quicker, and has committed, or we would still be waiting for its lock.
        SELECT p.id, p.transfer_id, p.expires_at INTO purchase_id, transfer_id, expires_at FROM billing_purchase p
        WHERE p.viewer_id = p_viewer AND p.video_id = p_video AND p.number = p_version AND p.term = p_term
          AND p.refunded_at IS NULL AND p.bundle_purchase_id IS NULL AND p_request_key IN ('', p.request_key);
        outcome := CASE WHEN FOUND THEN 'repeated' ELSE 'moved' END;
        RETURN;
    END IF;

    transfer_id := v_posted.transfer_id;
    expires_at := p_expires_at;
    INSERT INTO billing_purchase AS p (viewer_id, video_id, channel_id, offer_id, number, term, price_points, credit_points,
        discount_points, fee_points, creator_points, is_upgrade, bought_at, starts_at, expires_at, transfer_id, request_key)
    VALUES (p_viewer, p_video, p_channel, p_offer, p_version, p_term, p_price, p_credit, p_discount, p_fee, p_creator, p_is_upgrade,
        p_now, p_starts_at, p_expires_at, transfer_id, p_request_key)
    RETURNING p.id INTO purchase_id;
    IF p_coupon IS NOT NULL THEN
        UPDATE billing_coupon c SET uses = c.uses + 1 WHERE c.id = p_coupon;
        INSERT INTO billing_couponuse (coupon_id, viewer_id, purchase_id, points_off, at)
        VALUES (p_coupon, p_viewer, purchase_id, p_discount, p_now);
    END IF;
    IF p_version = 0 THEN
        INSERT INTO billing_entitlement (viewer_id, video_id, expires_at, version, changed_at)
        VALUES (p_viewer, p_video, p_expires_at, 1, p_now);
    ELSE
        UPDATE billing_entitlement e SET expires_at = p_expires_at, version = p_version + 1, changed_at = p_now
        WHERE e.viewer_id = p_viewer AND e.video_id = p_video;
    END IF;
    IF p_is_upgrade THEN
        UPDATE billing_purchase p SET credited_to_id = purchase_id
        WHERE p.viewer_id = p_viewer AND p.video_id = p_video AND p.id <> purchase_id
          AND p.refunded_at IS NULL AND p.credited_to_id IS NULL AND p.expires_at > p_now;
    END IF;
    outcome := 'bought';
END $$;
