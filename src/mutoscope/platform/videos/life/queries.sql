-- name: move
-- One row, or none when the video is not in one of the origins. Locks the video's row and no other; what else a use case
-- locks, it locks before. The trigger videos_guard_life refuses what is not in the table of moves.
UPDATE videos_video
SET state = %(target)s, state_reason = %(reason)s, state_by_id = %(by_id)s,
    published_at = CASE WHEN %(target)s IN ('published', 'unlisted') THEN coalesce(published_at, now()) ELSE published_at END
WHERE id = %(video_id)s AND state = ANY(%(origins)s)
RETURNING id;

-- name: state
-- One row, or none.
SELECT state FROM videos_video WHERE id = %(video_id)s;
