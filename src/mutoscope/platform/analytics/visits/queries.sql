-- name: count
-- Not for use inside a transaction: its commit does not wait for the disk (until the end of this statement's transaction alone),
-- because a visit that a power cut forgets does no harm, and the row is locked for no longer than the statement.
-- Adds one visit to one of the film's rows of today. No row when there is no such film, nobody else can see it, or it is the visitor's own.
-- Reads the tables of videos and accounts by their keys: through their doors it would be three round trips.
INSERT INTO analytics_visits AS counted (video_id, day, slot, pages, prices, trailers)
SELECT v.id, (statement_timestamp() AT TIME ZONE 'UTC')::date, %(slot)s, %(pages)s, %(prices)s, %(trailers)s
FROM videos_video v
JOIN accounts_channel c ON c.id = v.channel_id, set_config('synchronous_commit', 'off', true) AS unhurried
WHERE v.public_id = %(public_id)s AND v.state = ANY(%(states)s) AND c.owner_id IS DISTINCT FROM %(person_id)s::bigint
ON CONFLICT (video_id, day, slot) DO UPDATE
SET pages = counted.pages + excluded.pages, prices = counted.prices + excluded.prices,
    trailers = counted.trailers + excluded.trailers
RETURNING video_id;
