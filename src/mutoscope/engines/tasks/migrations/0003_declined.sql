-- 4: the task declined what it was given. It failed, but nothing that anybody has to mend is wrong.
ALTER TABLE tasks_finished
    DROP CONSTRAINT tasks_finished_status,
    ADD CONSTRAINT tasks_finished_status CHECK (status IN (1, 2, 3, 4));
