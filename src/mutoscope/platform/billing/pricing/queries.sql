-- name: end
-- Ends the current offers of a film that are not among those wanted. The caller holds the film's row, so that two tabs
-- that save at once take turns. At most four rows.
UPDATE billing_offer o SET ended_at = greatest(statement_timestamp(), o.started_at)
WHERE o.video_id = %(video_id)s AND o.ended_at IS NULL
  AND NOT EXISTS (SELECT FROM unnest(%(terms)s::text[], %(points)s::integer[]) w (term, points)
                  WHERE w.term = o.term AND w.points = o.points)
RETURNING o.id;

-- name: start
-- Adds those of the wanted offers that are not there. At most three rows.
INSERT INTO billing_offer (video_id, term, points, by_id, started_at)
SELECT %(video_id)s, w.term, w.points, %(by_id)s, statement_timestamp()
FROM unnest(%(terms)s::text[], %(points)s::integer[]) w (term, points)
WHERE NOT EXISTS (SELECT FROM billing_offer o WHERE o.video_id = %(video_id)s AND o.term = w.term AND o.ended_at IS NULL)
RETURNING id;
