-- Merges the minutes of the counters that are older than p_before into their hours: the row of an hour's first minute holds all of it.
-- Without this a month of minutes would be read to draw a line of 30 points. Returns how many rows went.
CREATE OR REPLACE FUNCTION tasker.compact_rollups(p_before timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_before timestamptz := date_trunc('hour', p_before, 'UTC');
    v_hops bigint;
    v_durations bigint;
BEGIN
    PERFORM FROM tasker.rollup_state FOR UPDATE;  -- so that no roll-up writes the same rows in another order
    WITH old AS (
        DELETE FROM tasker.hops_by_minute h
        WHERE h.minute > '-infinity' AND h.minute < v_before AND h.minute <> date_trunc('hour', h.minute, 'UTC')
        RETURNING h.*),
    merged AS (
        INSERT INTO tasker.hops_by_minute AS h (minute, template_id, entity, from_state, to_state, hops)
        SELECT date_trunc('hour', minute, 'UTC'), template_id, entity, from_state, to_state, sum(hops)
        FROM old GROUP BY 1, 2, 3, 4, 5
        ON CONFLICT (minute, template_id, entity, from_state, to_state) DO UPDATE SET hops = h.hops + excluded.hops)
    SELECT count(*) INTO v_hops FROM old;
    WITH old AS (
        DELETE FROM tasker.durations_by_minute d
        WHERE d.minute > '-infinity' AND d.minute < v_before AND d.minute <> date_trunc('hour', d.minute, 'UTC')
        RETURNING d.*),
    merged AS (
        INSERT INTO tasker.durations_by_minute AS d (minute, template_id, entity, bucket, items, total_ms)
        SELECT date_trunc('hour', minute, 'UTC'), template_id, entity, bucket, sum(items), sum(total_ms)
        FROM old GROUP BY 1, 2, 3, 4
        ON CONFLICT (minute, template_id, entity, bucket) DO UPDATE
        SET items = d.items + excluded.items, total_ms = d.total_ms + excluded.total_ms)
    SELECT count(*) INTO v_durations FROM old;
    RETURN v_hops + v_durations;
END
$$;
