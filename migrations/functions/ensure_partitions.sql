-- Creates the weekly partitions of the history tables from the week of p_from on, p_weeks of them. Idempotent; returns how many were made.
-- Rows of such a week that went to the default partition, since none was there, are moved. Waits for a lock no longer than
-- lock_timeout says (then it fails, and is called again later): who waits for these locks makes everybody else wait.
CREATE OR REPLACE FUNCTION tasker.ensure_partitions(p_from timestamptz DEFAULT clock_timestamp(), p_weeks int DEFAULT 3) RETURNS int
LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
DECLARE
    v_week timestamptz;
    v_first uuid;
    v_end uuid;
    v_table text;
    v_name text;
    v_made int := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('tasker.ensure_partitions'));
    FOR i IN 0 .. p_weeks - 1 LOOP
        v_week := date_trunc('week', p_from AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + make_interval(weeks => i);
        v_first := tasker.uuid7_floor(v_week);
        v_end := tasker.uuid7_floor(v_week + interval '1 week');
        FOREACH v_table IN ARRAY ARRAY['transitions', 'step_attempts', 'step_logs'] LOOP
            v_name := v_table || to_char(v_week AT TIME ZONE 'UTC', '_YYYYMMDD');
            CONTINUE WHEN to_regclass('tasker.' || v_name) IS NOT NULL;
            EXECUTE format('CREATE TABLE tasker.%I (LIKE tasker.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', v_name, v_table);
            EXECUTE format('LOCK TABLE tasker.%I IN ACCESS EXCLUSIVE MODE', v_table || '_default');
            EXECUTE format(
                'WITH moved AS (DELETE FROM tasker.%I WHERE task_uuid >= $1 AND task_uuid < $2 RETURNING *) '
                'INSERT INTO tasker.%I SELECT * FROM moved', v_table || '_default', v_name)
            USING v_first, v_end;
            EXECUTE format('ALTER TABLE tasker.%I ATTACH PARTITION tasker.%I FOR VALUES FROM (%L) TO (%L)', v_table, v_name, v_first, v_end);
            v_made := v_made + 1;
        END LOOP;
    END LOOP;
    RETURN v_made;
END
$$;
