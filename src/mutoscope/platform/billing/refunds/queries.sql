-- name: now
-- One row.
SELECT statement_timestamp() + %(ahead)s::interval;
