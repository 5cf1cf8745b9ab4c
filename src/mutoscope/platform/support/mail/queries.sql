-- name: lease
-- Take up to `limit` due mails for `lease_s` seconds and count the attempt. The lock lasts for this statement only;
-- SKIP LOCKED lets several workers take different ones. A lease that ran out (its worker died) is taken anew.
WITH due AS (
    SELECT id
    FROM support_mail
    WHERE state = 'waiting' AND due_at <= now() AND (leased_until IS NULL OR leased_until < now())
      AND attempts < %(attempts_max)s
    ORDER BY due_at, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE support_mail AS mail
SET leased_until = now() + make_interval(secs => %(lease_s)s), attempts = mail.attempts + 1
FROM due
WHERE mail.id = due.id
RETURNING mail.id, mail.sender, mail.recipients, mail.message, mail.attempts;

-- name: bury
-- Give up on mails whose last attempt never came back. Rows: none, nearly always.
UPDATE support_mail
SET state = 'dead', ended_at = now(), leased_until = NULL,
    last_error = 'The worker that sent it ended before it could say how that went.'
WHERE state = 'waiting' AND leased_until < now() AND attempts >= %(attempts_max)s;

-- name: mark_sent
-- One row. What it said is erased: it may hold a link that signs somebody in.
UPDATE support_mail
SET state = 'sent', ended_at = now(), leased_until = NULL, last_error = '', text = '', message = ''
WHERE id = %(id)s AND state = 'waiting';

-- name: mark_dead
-- One row. The content stays, so that an operator can send it again.
UPDATE support_mail
SET state = 'dead', ended_at = now(), leased_until = NULL, last_error = %(error)s
WHERE id = %(id)s AND state = 'waiting';

-- name: postpone
-- One row.
UPDATE support_mail
SET due_at = now() + make_interval(secs => %(delay_s)s), leased_until = NULL, last_error = %(error)s
WHERE id = %(id)s AND state = 'waiting';

-- name: give_back
-- Rows that were leased but never tried: the attempt does not count.
UPDATE support_mail
SET leased_until = NULL, attempts = attempts - 1
WHERE id = ANY(%(ids)s) AND state = 'waiting';
