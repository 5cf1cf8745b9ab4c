-- name: owned
-- What a viewer ever unlocked, newest change first, with what renewing the last term would cost now. At most the limit.
SELECT e.id, v.public_id, v.title, c.title, c.handle, v.state, e.version, e.expires_at,
    e.expires_at IS NULL OR e.expires_at > clock.now, last.term, last.refunded_at IS NOT NULL, o.points
FROM (SELECT statement_timestamp() + %(ahead)s::interval AS now) clock
JOIN billing_entitlement e ON e.viewer_id = %(viewer_id)s
JOIN videos_video v ON v.id = e.video_id
JOIN accounts_channel c ON c.id = v.channel_id
JOIN LATERAL (
    SELECT p.term, p.refunded_at FROM billing_purchase p WHERE p.viewer_id = e.viewer_id AND p.video_id = e.video_id
    ORDER BY p.number DESC LIMIT 1
) last ON true
LEFT JOIN billing_offer o ON o.video_id = v.id AND o.term = last.term AND o.ended_at IS NULL
ORDER BY (e.expires_at IS NULL OR e.expires_at > clock.now) DESC, e.changed_at DESC, e.id DESC LIMIT %(limit)s OFFSET %(offset)s;
