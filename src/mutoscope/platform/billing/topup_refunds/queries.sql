-- name: now
-- The database's time. One row.
SELECT statement_timestamp() + %(ahead)s::interval;
