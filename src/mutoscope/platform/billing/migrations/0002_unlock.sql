-- Buy one term of one film for one viewer: ledger, receipt and entitlement in one statement, so in one transaction and one
-- round trip. What it costs and gives was worked out before, from what `look` saw (unlock/queries.sql); `p_version` says what
-- that was, and nothing is written if it is no longer so.
--
-- Outcomes: bought; repeated (the same click, sent twice); moved (something else happened since: look again);
-- insufficient (with `available`). All but `bought` write nothing.
--
-- Locks: the viewer's entitlement, then the ledger's own order (the viewer's account, credits that wait for nothing, the key).
-- Refunds take them in the same order. The ledger's key is made of viewer, film and version, so of two clicks that saw the
-- same version the second finds the first one's transfer, wherever it came from.
CREATE FUNCTION billing_unlock(
    p_viewer bigint, p_video bigint, p_channel bigint, p_offer bigint, p_version integer, p_term text,
    p_price integer, p_credit integer, p_fee integer, p_creator integer, p_is_upgrade boolean,
    p_now timestamptz, p_starts_at timestamptz, p_expires_at timestamptz, p_request_key text,
    p_key text, p_accounts bigint[], p_amounts bigint[], p_metadata jsonb,
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
          AND p.refunded_at IS NULL;
        outcome := CASE WHEN FOUND THEN 'repeated' ELSE 'moved' END;
        RETURN;
    END IF;

    SELECT * INTO v_posted FROM ledger_post(p_key, p_accounts, p_amounts, p_metadata);
    IF v_posted.outcome = 'insufficient' THEN
        outcome := 'insufficient';
        available := v_posted.available;
        RETURN;
    ELSIF v_posted.outcome <> 'posted' THEN
        -- Another click of this version was quicker, and has committed, or we would still be waiting for its lock.
        SELECT p.id, p.transfer_id, p.expires_at INTO purchase_id, transfer_id, expires_at FROM billing_purchase p
        WHERE p.viewer_id = p_viewer AND p.video_id = p_video AND p.number = p_version AND p.term = p_term
          AND p.refunded_at IS NULL;
        outcome := CASE WHEN FOUND THEN 'repeated' ELSE 'moved' END;
        RETURN;
    END IF;

    transfer_id := v_posted.transfer_id;
    expires_at := p_expires_at;
    INSERT INTO billing_purchase AS p (viewer_id, video_id, channel_id, offer_id, number, term, price_points, credit_points,
        fee_points, creator_points, is_upgrade, bought_at, starts_at, expires_at, transfer_id, request_key)
    VALUES (p_viewer, p_video, p_channel, p_offer, p_version, p_term, p_price, p_credit, p_fee, p_creator, p_is_upgrade,
        p_now, p_starts_at, p_expires_at, transfer_id, p_request_key)
    RETURNING p.id INTO purchase_id;
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
