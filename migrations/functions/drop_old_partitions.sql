-- Drops the history's partitions of weeks before p_before that no task is left of; returns how many. It gives up at once where others are
-- reading or writing, so that nobody waits behind it: the next call tries again.
CREATE OR REPLACE FUNCTION tasker.drop_old_partitions(p_before timestamptz) RETURNS int
LANGUAGE plpgsql SET lock_timeout = '200ms' AS $$
DECLARE
    v_week timestamptz;
    v_table text;
    v_dropped int := 0;
BEGIN
    FOR v_week IN
        SELECT w.week FROM tasker.history_weeks() AS w(week)
        WHERE w.week + interval '1 week' <= p_before
          AND NOT EXISTS (SELECT FROM tasker.tasks t WHERE t.task_uuid >= tasker.uuid7_floor(w.week)
                                                       AND t.task_uuid < tasker.uuid7_floor(w.week + interval '1 week'))
    LOOP
        BEGIN
            -- transitions last: history_weeks reads those.
            FOREACH v_table IN ARRAY ARRAY['step_logs', 'step_attempts', 'transitions'] LOOP
                EXECUTE format('DROP TABLE IF EXISTS tasker.%I', v_table || to_char(v_week AT TIME ZONE 'UTC', '_YYYYMMDD'));
            END LOOP;
            v_dropped := v_dropped + 1;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            EXIT;
        END;
    END LOOP;
    IF v_dropped > 0 THEN
        UPDATE tasker.retention_totals SET partitions = partitions + 3 * v_dropped;
    END IF;
    RETURN 3 * v_dropped;
END
$$;
