-- Named queries; `%(name)s` are their parameters.

-- name: identity
-- Which server, which history of it (its timeline), which database. Changes when a backup is restored elsewhere or to a
-- point in time, when a replica is promoted, and in a copy of a database. Expected row count: one.
SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) || '/'
    || (SELECT oid FROM pg_database WHERE datname = current_database())

-- name: create
-- Expected row count: none or one.
INSERT INTO sequences_leased (name, next_value, increment, maximum, identity)
VALUES (%(name)s, %(start)s, %(increment)s, %(maximum)s, %(identity)s) ON CONFLICT (name) DO NOTHING

-- name: lease
-- Take a block. On a connection of its own and committed before a number of it is used: inside a caller's transaction, a rollback
-- would hand the same block out again. Locks: the sequence's row, for the length of this statement. Expected row count: none
-- (no such sequence) or one.
WITH current AS MATERIALIZED (
    SELECT name, next_value, increment, maximum, identity,
        CASE WHEN identity = %(identity)s AND increment = %(increment)s AND maximum = %(maximum)s
             THEN greatest(0, least(%(count)s, (maximum - next_value + increment) / increment)) ELSE 0 END AS granted
    FROM sequences_leased WHERE name = %(name)s FOR NO KEY UPDATE
), taken AS (
    UPDATE sequences_leased s SET next_value = s.next_value + current.granted * current.increment
    FROM current WHERE s.name = current.name
)
SELECT next_value, granted, increment, maximum, identity FROM current

-- name: skip_ahead
-- Expected row count: none or one.
UPDATE sequences_leased SET next_value = next_value + %(distance)s * increment, identity = %(identity)s
WHERE name = %(name)s RETURNING next_value

-- name: gapless
-- The next number of a series, in the caller's transaction, which holds the row until it ends: writers of one series wait for each other,
-- and a rollback gives the number back. Expected row count: one.
INSERT INTO sequences_gapless AS s (name, series, last_value) VALUES (%(name)s, %(series)s, 1)
ON CONFLICT (name, series) DO UPDATE SET last_value = s.last_value + 1 RETURNING last_value
