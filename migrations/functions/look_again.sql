-- Asks an engine to settle tasks once more, after the caller has committed that steps of theirs failed. Between the caller's
-- reading of what runs and its locks, a hand-over may have started a step that the caller could not lock; that step's success
-- may not have seen the failure, and the caller not the success. Whoever looks after both have committed sees both.
CREATE OR REPLACE FUNCTION tasker.look_again(p_tasks uuid[]) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO tasker.unprocessed_results (task_uuid)
    SELECT t.task_uuid FROM tasker.tasks t
    WHERE t.task_uuid = ANY (p_tasks) AND t.state = 'steps_in_process'
$$;
