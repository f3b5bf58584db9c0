-- Steps in error, so that what has failed is found and grouped without looking at the tasks that do well.

CREATE TABLE tasker.failed_steps (
    step_uuid   uuid PRIMARY KEY,
    task_uuid   uuid NOT NULL,
    template_id int NOT NULL,
    step        text NOT NULL,
    signature   text NOT NULL,
    failed_at   timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

-- Several functions bring steps into error and out of it again; none of them has to think of the table. What goes well costs the
-- look at two states: the function is called for steps that fail alone.
CREATE FUNCTION tasker.note_failed_step() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.state = 'error' THEN
        INSERT INTO tasker.failed_steps (step_uuid, task_uuid, template_id, step, signature, failed_at)
        SELECT NEW.step_uuid, NEW.task_uuid, t.template_id, NEW.name,
               tasker.failure_signature(a.details ->> 'error_type', a.details ->> 'message'), coalesce(NEW.last_failure_at, NEW.updated_at)
        FROM tasker.tasks t
        LEFT JOIN LATERAL (SELECT a.details FROM tasker.step_attempts a
                           WHERE a.task_uuid = NEW.task_uuid AND a.step_uuid = NEW.step_uuid AND a.claim_no = NEW.claim_no LIMIT 1) a ON true
        WHERE t.task_uuid = NEW.task_uuid
        ON CONFLICT (step_uuid) DO UPDATE SET signature = excluded.signature, failed_at = excluded.failed_at;
    ELSE
        DELETE FROM tasker.failed_steps f WHERE f.step_uuid = OLD.step_uuid;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER step_failed_or_went_on AFTER UPDATE ON tasker.steps FOR EACH ROW
WHEN ((OLD.state = 'error') <> (NEW.state = 'error')) EXECUTE FUNCTION tasker.note_failed_step();

CREATE TRIGGER failed_step_gone AFTER DELETE ON tasker.steps FOR EACH ROW
WHEN (OLD.state = 'error') EXECUTE FUNCTION tasker.note_failed_step();

-- A new database does not have the function yet, and no failed step either.
DO $do$
BEGIN
    IF EXISTS (SELECT FROM tasker.steps WHERE state = 'error') THEN
        INSERT INTO tasker.failed_steps (step_uuid, task_uuid, template_id, step, signature, failed_at)
        SELECT s.step_uuid, s.task_uuid, t.template_id, s.name,
               tasker.failure_signature(a.details ->> 'error_type', a.details ->> 'message'), coalesce(s.last_failure_at, s.updated_at)
        FROM tasker.steps s
        JOIN tasker.tasks t USING (task_uuid)
        LEFT JOIN tasker.step_attempts a ON a.task_uuid = s.task_uuid AND a.step_uuid = s.step_uuid AND a.claim_no = s.claim_no
        WHERE s.state = 'error';
    END IF;
END
$do$;
