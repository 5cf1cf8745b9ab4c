-- name: lock_viewer
-- Two players of one viewer that start at the same moment are counted one after the other. Held until the commit.
SELECT pg_advisory_xact_lock(%(lock_class)s, hashtext(%(viewer)s));

-- name: streams
-- One row: the viewer's streams that are playing, and how many playbacks were begun lately.
SELECT count(*) FILTER (WHERE ended_at IS NULL AND beat_at > now() - %(stream_s)s * interval '1 second'),
       count(*) FILTER (WHERE began_at > now() - %(window_s)s * interval '1 second')
FROM videos_playback WHERE viewer = %(viewer)s AND began_at > now() - %(age_s)s * interval '1 second';

-- name: begin
-- One row: the new playback.
INSERT INTO videos_playback (token, video_id, person_id, viewer, sign_in_digest, began_at, expires_at, beat_at, beats,
                             keys_left, keys_at, keys_given)
VALUES (%(token)s, %(video_id)s, %(person_id)s, %(viewer)s, %(sign_in_digest)s, now(),
        now() + %(lifetime_s)s * interval '1 second', now(), 0, %(burst)s, now(), 0)
RETURNING id;

-- name: take_key
-- Everything a key's request is judged by, in one round trip: no row when there is no such key, else one row. Takes from
-- the playback's bucket of keys, if the playback may have this film's keys at all; locks its row and no other.
-- `rights_live` is whether the sign-in that began the playback still stands: signing out, being suspended, or a
-- session that was ended elsewhere takes the keys away at once.
WITH wanted AS (
    SELECT k.sealed_key, k.number, e.token AS edition_token, v.id AS video_id, v.state, v.is_free, c.owner_id
    FROM videos_keyperiod k
    JOIN videos_edition e ON e.id = k.edition_id
    JOIN videos_video v ON v.id = e.video_id
    JOIN accounts_channel c ON c.id = v.channel_id
    WHERE k.public_id = %(key_id)s
), asking AS (
    -- A browser may offer several: the one for this film counts.
    SELECT p.*, least(%(burst)s, p.keys_left + extract(epoch FROM now() - p.keys_at) * %(per_s)s) AS level
    FROM videos_playback p, wanted w
    WHERE p.token = ANY(%(tokens)s)
    ORDER BY p.video_id = w.video_id DESC, p.id DESC LIMIT 1
), taken AS (
    UPDATE videos_playback p SET keys_left = a.level - 1, keys_at = now(), keys_given = p.keys_given + 1
    FROM asking a, wanted w
    WHERE p.id = a.id AND a.video_id = w.video_id AND a.ended_at IS NULL AND a.expires_at > now() AND a.level >= 1
    RETURNING p.id
)
SELECT w.sealed_key, w.number, w.edition_token, w.video_id, w.state, w.is_free, w.owner_id,
       a.id, a.video_id = w.video_id, a.ended_at IS NULL AND a.expires_at > now(), a.person_id, a.began_at,
       a.sign_in_digest, a.keys_given,
       a.person_id IS NULL OR (
           EXISTS (SELECT 1 FROM accounts_person x WHERE x.id = a.person_id AND x.is_active)
           AND EXISTS (SELECT 1 FROM django_session s WHERE s.session_key = %(session_key)s AND s.expire_date > now())
       ),
       EXISTS (SELECT 1 FROM taken)
FROM wanted w LEFT JOIN asking a ON true;
