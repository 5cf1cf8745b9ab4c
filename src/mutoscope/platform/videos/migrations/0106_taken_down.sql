-- The life of a video, as domain/life.py has it: 0104_another_file.sql, and taken down by the operator, from wherever others could see it
-- or its creator could let them; and back.
CREATE OR REPLACE FUNCTION videos_guard_life() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' THEN
            RAISE EXCEPTION 'a video begins as draft, not as %', NEW.state
                USING ERRCODE = 'check_violation', CONSTRAINT = 'videos_video_move', TABLE = 'videos_video';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.state = OLD.state THEN
        RETURN NEW;
    END IF;
    IF (OLD.state, NEW.state) NOT IN (
        ('draft', 'uploading'),
        ('uploading', 'draft'), ('uploading', 'processing'), ('uploading', 'ready'),
        ('processing', 'ready'), ('processing', 'failed'),
        ('failed', 'processing'), ('failed', 'uploading'),
        ('ready', 'published'), ('ready', 'unlisted'), ('ready', 'archived'), ('ready', 'uploading'),
        ('ready', 'taken-down'), ('published', 'taken-down'), ('unlisted', 'taken-down'), ('archived', 'taken-down'),
        ('taken-down', 'ready'), ('taken-down', 'published'), ('taken-down', 'unlisted'), ('taken-down', 'archived'),
        ('published', 'ready'), ('published', 'unlisted'), ('published', 'archived'),
        ('unlisted', 'ready'), ('unlisted', 'published'), ('unlisted', 'archived'),
        ('archived', 'ready')
    ) THEN
        RAISE EXCEPTION 'video % cannot go from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'videos_video_move', TABLE = 'videos_video';
    END IF;
    IF NEW.state = 'uploading' AND OLD.published_at IS NOT NULL THEN
        RAISE EXCEPTION 'video % was shown to others: its file stays', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'videos_video_shown_keeps_its_file', TABLE = 'videos_video';
    END IF;
    NEW.state_at := clock_timestamp();
    RETURN NEW;
END $$;
