-- name: lock_channel
-- One row. Locked before any video or upload: two uploads that begin together are counted one after the other.
SELECT id FROM accounts_channel WHERE id = %(channel_id)s FOR UPDATE;

-- name: room_taken
-- One row: bytes that a channel's originals hold and its open uploads have claimed.
SELECT coalesce((SELECT sum(original_bytes) FROM videos_video WHERE channel_id = %(channel_id)s), 0)
     + coalesce((SELECT sum(upload.length_bytes) FROM videos_upload AS upload
                 JOIN videos_video AS video ON video.id = upload.video_id
                 WHERE video.channel_id = %(channel_id)s AND upload.state = 'open'), 0);

-- name: lock_upload
-- One row, or none. Locks the upload's row: whoever holds it may write to the file.
SELECT state, offset_bytes, length_bytes, writer FROM videos_upload WHERE id = %(id)s FOR UPDATE;

-- name: take_over
-- One row, or none when the upload has ended. The number fences off whoever wrote before.
UPDATE videos_upload SET writer = writer + 1 WHERE id = %(id)s AND state = 'open' RETURNING writer, offset_bytes;

-- name: advance
-- One row. The bytes are on the disk before this says so.
UPDATE videos_upload
SET offset_bytes = %(offset)s, moved_at = now(), expires_at = now() + make_interval(secs => %(lifetime_s)s)
WHERE id = %(id)s AND state = 'open' AND writer = %(writer)s AND offset_bytes <= %(offset)s
RETURNING id;

-- name: end
-- One row, or none when it has ended already.
UPDATE videos_upload SET state = %(state)s, ended_at = now() WHERE id = %(id)s AND state = 'open' RETURNING video_id;

-- name: expired
-- Ids of open uploads that nobody has added to for too long; a few hundred at most.
SELECT id FROM videos_upload WHERE state = 'open' AND expires_at < now() ORDER BY expires_at LIMIT 500;

-- name: whole
-- Ids of uploads whose server died after the last byte and before it said so; none, nearly always.
SELECT id FROM videos_upload WHERE state = 'open' AND offset_bytes = length_bytes ORDER BY id LIMIT 500;
