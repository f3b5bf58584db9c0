-- Drops the history's partitions of the first week before p_before that no task is left of; returns how many, 0 when there is none. One
-- week a transaction, so that the tables are locked for a moment only; it gives up at once where others are reading or writing, so that
-- nobody waits behind it, and returns 0 as well: the next look tries again.
CREATE OR REPLACE FUNCTION tasker.drop_old_partitions(p_before timestamptz) RETURNS int
LANGUAGE plpgsql SET lock_timeout = '200ms' AS $$
DECLARE
    v_week timestamptz;
    v_table text;
BEGIN
    SELECT w.week INTO v_week FROM tasker.history_weeks() AS w(week)
    WHERE w.week + interval '1 week' <= p_before
      AND NOT EXISTS (SELECT FROM tasker.tasks t WHERE t.task_uuid >= tasker.uuid7_floor(w.week)
                                                   AND t.task_uuid < tasker.uuid7_floor(w.week + interval '1 week'))
    ORDER BY w.week LIMIT 1;
    IF v_week IS NULL THEN
        RETURN 0;
    END IF;
    BEGIN
        -- transitions last: history_weeks reads those.
        FOREACH v_table IN ARRAY ARRAY['step_logs', 'step_attempts', 'transitions'] LOOP
            EXECUTE format('DROP TABLE IF EXISTS tasker.%I', v_table || to_char(v_week AT TIME ZONE 'UTC', '_YYYYMMDD'));
        END LOOP;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        RETURN 0;
    END;
    UPDATE tasker.retention_totals SET partitions = partitions + 3;
    RETURN 3;
END
$$;
