-- Does what its template says to a task that is past one of its limits: a dead letter, the end in error, or both. Looks again under the
-- locks whether it still is. moved says whether the task ended, letter whether it became a dead letter; both NULL if there was nothing to do.
CREATE OR REPLACE FUNCTION tasker.end_stale_task(p_task uuid, p_actor text, OUT moved boolean, OUT letter boolean)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    v_now timestamptz := tasker.now();
    v_found record;
    v_message text;
BEGIN
    PERFORM tasker.lock_whole_tasks(ARRAY[p_task]);
    PERFORM FROM tasker.task_limits l WHERE l.task_uuid = p_task FOR UPDATE;
    SELECT * INTO v_found FROM tasker.judge_staleness(ARRAY[p_task], v_now);
    IF v_found.passed IS NULL OR v_found.waits OR v_found.ended
       -- A result has come, and an engine is about to look at it: the task goes on.
       OR EXISTS (SELECT FROM tasker.unprocessed_results u WHERE u.task_uuid = p_task) THEN
        RETURN;
    END IF;
    v_message := CASE v_found.passed
        WHEN 'duration' THEN format('the task lasted %s minutes, its template allows %s (lifecycle.max_duration_minutes)',
                                    v_found.minutes, v_found.threshold)
        ELSE format('the task was in %s for %s minutes, its template allows %s (lifecycle.max_%s_minutes)',
                    v_found.state, v_found.minutes, v_found.threshold, v_found.state) END;
    letter := false;
    IF v_found.letters THEN
        letter := tasker.bury_tasks(
            ARRAY[p_task], ARRAY[v_found.state], 'staleness_timeout', 'stale',
            jsonb_build_object('limit', v_found.passed, 'minutes', v_found.minutes, 'threshold_minutes', v_found.threshold, 'message', v_message),
            v_now) IS NOT NULL;
    END IF;
    moved := v_found.fails;
    IF moved THEN
        PERFORM tasker.give_up_tasks(ARRAY[p_task], 'staleness_timeout', v_message, v_now, p_actor, v_message);
    ELSE
        UPDATE tasker.tasks t SET ended_by_hand = true WHERE t.task_uuid = p_task;
    END IF;
END
$$;
