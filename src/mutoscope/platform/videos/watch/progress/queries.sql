-- name: beat
-- Not for use inside a transaction: its commit does not wait for the disk. A power cut may forget the last second's beats.
-- One round trip for a beat: renew the playback, note where the person is, keep the stretches. Touches one row each of
-- videos_playback and videos_seen, in this order, and inserts at most 50 beats. No row: the playback is over, is
-- another account's, or never was. `allowed` false: it stood still, and meanwhile others took all its viewer's streams.
-- A player sends one each 15 seconds; more than one in two seconds, in the long run, is no player's (is_flood).
-- A position in the first seconds never replaces a later one: it says only that a page was opened.
WITH playback AS (
    SELECT p.id, p.video_id, p.person_id, coalesce(v.duration_ms, 0) AS duration_ms,
           p.beats > 30 + extract(epoch FROM now() - p.began_at) / 2 AS is_flood,
           greatest(p.beat_at, p.keys_at) > now() - %(stream_s)s * interval '1 second' OR %(is_last)s OR (
               SELECT count(*) FROM videos_playback o
               WHERE o.viewer = p.viewer AND o.began_at > now() - %(age_s)s * interval '1 second' AND o.id <> p.id
                 AND o.ended_at IS NULL AND greatest(o.beat_at, o.keys_at) > now() - %(stream_s)s * interval '1 second'
           ) < %(streams_max)s AS allowed
    FROM videos_playback p JOIN videos_video v ON v.id = p.video_id
    WHERE p.token = %(token)s AND p.ended_at IS NULL AND p.expires_at > now()
      AND p.began_at > now() - %(age_s)s * interval '1 second'
      AND p.person_id IS NOT DISTINCT FROM %(person_id)s
), renewed AS (
    UPDATE videos_playback p
    SET beat_at = now(), expires_at = now() + %(lifetime_s)s * interval '1 second', beats = p.beats + 1,
        ended_at = CASE WHEN %(is_last)s THEN now() END
    FROM playback b WHERE p.id = b.id AND b.allowed AND NOT b.is_flood
    RETURNING p.id
), noted AS (
    INSERT INTO videos_seen AS seen (person_id, video_id, position_ms, is_finished, began_at, seen_at)
    SELECT b.person_id, b.video_id, least(%(position_ms)s, b.duration_ms),
           least(%(position_ms)s, b.duration_ms) >= b.duration_ms - least(%(credits_ms)s, b.duration_ms / 10), now(), now()
    FROM playback b JOIN renewed r USING (id)
    WHERE b.person_id IS NOT NULL AND %(position_ms)s::bigint IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM videos_watchingchoice c WHERE c.person_id = b.person_id AND NOT c.keeps_history)
    ON CONFLICT (person_id, video_id) DO UPDATE
    SET position_ms = excluded.position_ms, is_finished = excluded.is_finished, seen_at = excluded.seen_at
    WHERE excluded.position_ms >= %(beginning_ms)s OR seen.position_ms < %(beginning_ms)s
    RETURNING 1
), kept AS (
    INSERT INTO videos_beat (at, video_id, playback_id, from_ms, to_ms)
    SELECT now(), b.video_id, b.id, least(s.from_ms, b.duration_ms - 1), least(s.to_ms, b.duration_ms)
    FROM playback b JOIN renewed r USING (id),
         unnest(%(from_ms)s::bigint[], %(to_ms)s::bigint[]) AS s (from_ms, to_ms)
    WHERE b.duration_ms > 0 AND s.from_ms < b.duration_ms
    RETURNING 1
)
SELECT b.allowed, b.is_flood, (SELECT count(*) FROM noted), (SELECT count(*) FROM kept)
FROM playback b, set_config('synchronous_commit', 'off', true) AS unhurried;

-- name: position
-- Where a person goes on in a film: no row, or one. A film that was seen to its end begins again.
SELECT position_ms FROM videos_seen
WHERE person_id = %(person_id)s AND video_id = %(video_id)s AND NOT is_finished;

-- name: forget_playbacks
-- Playbacks that were over a day ago. A few a second of visitors' time; read whole once a night.
DELETE FROM videos_playback WHERE expires_at < now() - interval '1 day';

-- name: forget_buckets
-- Buckets of keys that no playback takes from; a bucket that was not touched for a day is full.
DELETE FROM videos_keybucket b WHERE b.keys_at < now() - interval '1 day'
AND NOT EXISTS (SELECT 1 FROM videos_playback p WHERE p.bucket_id = b.id);
