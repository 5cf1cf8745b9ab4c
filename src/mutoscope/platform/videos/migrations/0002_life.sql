-- The life of a video, as domain/life.py has it. Nobody can go around it, and each move leaves a row.
CREATE FUNCTION videos_guard_life() RETURNS trigger LANGUAGE plpgsql AS $$
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
        ('uploading', 'draft'), ('uploading', 'processing'),
        ('processing', 'ready'), ('processing', 'failed'),
        ('failed', 'processing'), ('failed', 'uploading'),
        ('ready', 'published'), ('ready', 'unlisted'), ('ready', 'archived'),
        ('published', 'ready'), ('published', 'unlisted'), ('published', 'archived'),
        ('unlisted', 'ready'), ('unlisted', 'published'), ('unlisted', 'archived'),
        ('archived', 'ready')
    ) THEN
        RAISE EXCEPTION 'video % cannot go from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'videos_video_move', TABLE = 'videos_video';
    END IF;
    NEW.state_at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE FUNCTION videos_record_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO videos_move (video_id, from_state, to_state, reason, by_id, at)
        VALUES (NEW.id, '', NEW.state, NEW.state_reason, NEW.state_by_id, NEW.state_at);
    ELSIF NEW.state <> OLD.state THEN
        INSERT INTO videos_move (video_id, from_state, to_state, reason, by_id, at)
        VALUES (NEW.id, OLD.state, NEW.state, NEW.state_reason, NEW.state_by_id, NEW.state_at);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER videos_guard_life BEFORE INSERT OR UPDATE ON videos_video
    FOR EACH ROW EXECUTE FUNCTION videos_guard_life();
CREATE TRIGGER videos_record_move AFTER INSERT OR UPDATE ON videos_video
    FOR EACH ROW EXECUTE FUNCTION videos_record_move();
