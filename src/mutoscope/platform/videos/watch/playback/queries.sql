-- name: lock_viewer
-- Two players of one viewer that start at the same moment are counted one after the other. Held until the commit.
SELECT pg_advisory_xact_lock(%(lock_class)s, hashtext(%(viewer)s));

-- name: streams
-- One row: the viewer's streams that are playing, and how many playbacks were begun lately. A player that takes keys plays,
-- whether it says so or not.
SELECT count(*) FILTER (WHERE ended_at IS NULL AND greatest(beat_at, keys_at) > now() - %(stream_s)s * interval '1 second'),
       count(*) FILTER (WHERE began_at > now() - %(window_s)s * interval '1 second')
FROM videos_playback WHERE viewer = %(viewer)s AND began_at > now() - %(age_s)s * interval '1 second';

-- name: begin
-- One row: the new playback. Locks the bucket of this person and film, if there is one: whoever begins again goes on with
-- what is left in it. Nobody who is not signed in has one by name, so each of their playbacks gets its own.
WITH bucket AS (
    INSERT INTO videos_keybucket AS b (person_id, video_id, keys_left, keys_at)
    VALUES (%(person_id)s, %(video_id)s, %(burst)s, now())
    ON CONFLICT (person_id, video_id) DO UPDATE
    SET keys_left = least(%(burst)s, b.keys_left + extract(epoch FROM now() - b.keys_at) * %(per_s)s), keys_at = now()
    RETURNING b.id
)
INSERT INTO videos_playback (token, video_id, person_id, viewer, sign_in_digest, began_at, expires_at, beat_at, beats,
                             bucket_id, keys_given)
SELECT %(token)s, %(video_id)s, %(person_id)s, %(viewer)s, %(sign_in_digest)s, now(),
       now() + %(lifetime_s)s * interval '1 second', now(), 0, bucket.id, 0
FROM bucket
RETURNING id;

-- name: take_key
-- Not for use inside a transaction: its commit does not wait for the disk (until the end of this statement's transaction
-- alone), because a count of keys that a power cut forgets does no harm, and the wait is most of what a key costs.
-- Everything a key's request is judged by, in one round trip: no row when there is no such key, else one row. Takes from
-- the bucket of keys, if the playback may have this film's keys at all; locks the bucket's row, then the playback's, and no
-- other. What is left is read from the locked row itself: of many that ask at once, each takes one.
-- `sign_in_stands` is whether the sign-in that began the playback still stands: signing out, being suspended, or a
-- session that was ended elsewhere takes the keys away at once. `has_stream` false: as for beats, it stood still, and
-- meanwhile others took all its viewer's streams.
WITH wanted AS (
    SELECT k.sealed_key, k.number, e.token AS edition_token, v.id AS video_id, v.state, v.is_free, c.owner_id
    FROM videos_keyperiod k
    JOIN videos_edition e ON e.id = k.edition_id
    JOIN videos_video v ON v.id = e.video_id
    JOIN accounts_channel c ON c.id = v.channel_id
    WHERE k.public_id = %(key_id)s
), asking AS (
    -- A browser may offer several: the one for this film counts.
    SELECT p.* FROM videos_playback p, wanted w
    WHERE p.token = ANY(%(tokens)s) AND p.bucket_id IS NOT NULL
    ORDER BY p.video_id = w.video_id DESC, p.id DESC LIMIT 1
), stream AS (
    SELECT greatest(a.beat_at, a.keys_at) > now() - %(stream_s)s * interval '1 second' OR (
        SELECT count(*) FROM videos_playback o
        WHERE o.viewer = a.viewer AND o.began_at > now() - %(age_s)s * interval '1 second' AND o.id <> a.id
          AND o.ended_at IS NULL AND greatest(o.beat_at, o.keys_at) > now() - %(stream_s)s * interval '1 second'
    ) < CASE WHEN a.person_id IS NULL THEN %(streams_per_address_max)s ELSE %(streams_max)s END AS is_there
    FROM asking a
), taken AS (
    UPDATE videos_keybucket b
    SET keys_left = least(%(burst)s, b.keys_left + extract(epoch FROM now() - b.keys_at) * %(per_s)s) - 1, keys_at = now()
    FROM asking a, wanted w, stream s
    WHERE b.id = a.bucket_id AND a.video_id = w.video_id AND a.ended_at IS NULL AND a.expires_at > now() AND s.is_there
      AND least(%(burst)s, b.keys_left + extract(epoch FROM now() - b.keys_at) * %(per_s)s) >= 1
    RETURNING b.id
), noted AS (
    UPDATE videos_playback p SET keys_at = now(), keys_given = p.keys_given + 1
    FROM asking a, taken t
    WHERE p.id = a.id
    RETURNING p.id
)
SELECT w.sealed_key, w.number, w.edition_token, w.video_id, w.state, w.is_free, w.owner_id,
       a.id, a.video_id = w.video_id, a.ended_at IS NULL AND a.expires_at > now(), a.person_id, a.began_at,
       a.sign_in_digest, a.keys_given,
       a.person_id IS NULL OR (
           EXISTS (SELECT 1 FROM accounts_person x WHERE x.id = a.person_id AND x.is_active)
           AND EXISTS (SELECT 1 FROM django_session s WHERE s.session_key = %(session_key)s AND s.expire_date > now())
       ),
       (SELECT is_there FROM stream), EXISTS (SELECT 1 FROM taken)
FROM wanted w LEFT JOIN asking a ON true, set_config('synchronous_commit', 'off', true) AS unhurried;
