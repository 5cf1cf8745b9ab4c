-- A beat is written with the playback's row, and nothing else of it changes: room for that on the same page.
ALTER TABLE videos_playback SET (fillfactor = 60);
ALTER TABLE videos_seen SET (fillfactor = 70);

CREATE TABLE videos_beat (
    at timestamptz NOT NULL,
    video_id bigint NOT NULL,
    playback_id bigint NOT NULL,
    from_ms bigint NOT NULL,
    to_ms bigint NOT NULL,
    CONSTRAINT videos_beat_goes_on CHECK (from_ms >= 0 AND to_ms > from_ms)
) PARTITION BY RANGE (at);
-- What is asked: all stretches of one film in a span of time.
CREATE INDEX videos_beat_of_video ON videos_beat (video_id, at);
-- Takes what no month takes, so that writing a beat never fails for want of one.
CREATE TABLE videos_beat_rest PARTITION OF videos_beat DEFAULT;

-- The months to come are made by a task at night (watch/progress/months.py).
DO $$
DECLARE
    month timestamptz;
BEGIN
    FOR ahead IN 0..2 LOOP
        month := (date_trunc('month', now() AT TIME ZONE 'UTC') + ahead * interval '1 month') AT TIME ZONE 'UTC';
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF videos_beat FOR VALUES FROM (%L) TO (%L)',
            'videos_beat_' || to_char(month AT TIME ZONE 'UTC', 'YYYYMM'), month,
            (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'
        );
    END LOOP;
END $$;
