-- Creates the weekly partitions of the history tables from the week of p_from on, p_weeks of them. Idempotent; returns how many were made.
CREATE OR REPLACE FUNCTION tasker.ensure_partitions(p_from timestamptz DEFAULT clock_timestamp(), p_weeks int DEFAULT 3) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    v_week timestamptz;
    v_table text;
    v_name text;
    v_made int := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('tasker.ensure_partitions'));
    FOR i IN 0 .. p_weeks - 1 LOOP
        v_week := date_trunc('week', p_from AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + make_interval(weeks => i);
        FOREACH v_table IN ARRAY ARRAY['transitions', 'step_attempts', 'step_logs'] LOOP
            v_name := v_table || to_char(v_week AT TIME ZONE 'UTC', '_YYYYMMDD');
            CONTINUE WHEN to_regclass('tasker.' || v_name) IS NOT NULL;
            EXECUTE format(
                'CREATE TABLE tasker.%I PARTITION OF tasker.%I FOR VALUES FROM (%L) TO (%L)',
                v_name, v_table, tasker.uuid7_floor(v_week), tasker.uuid7_floor(v_week + interval '1 week'));
            v_made := v_made + 1;
        END LOOP;
    END LOOP;
    RETURN v_made;
END
$$;
