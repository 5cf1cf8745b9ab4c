-- Named queries.

-- name: beat
-- Seconds since whoever leads last said so: it renews its lease each time round. Expected row count: none or one.
SELECT extract(epoch FROM clock_timestamp() - until)::float + %(lease_s)s FROM mutoscope_solana_lease WHERE name = %(name)s

-- name: due
-- Seconds since the look that is due for longest. Each kind for itself, as the index has them. Expected row count: one.
SELECT greatest(0, extract(epoch FROM clock_timestamp() - least(
    (SELECT min(next_look_at) FROM mutoscope_solana_watchedaccount WHERE kind = 'one_time' AND next_look_at IS NOT NULL),
    (SELECT min(next_look_at) FROM mutoscope_solana_watchedaccount WHERE kind = 'receiving' AND next_look_at IS NOT NULL)
)))::float
