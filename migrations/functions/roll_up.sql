-- Adds what happened since the last call to hops_by_minute, durations_by_minute and durations_by_hour. Exact whoever calls it and however
-- often: a row is counted by its transaction's id, once that is below the oldest transaction that still runs, so a
-- long-running writer delays the counters and spoils none. Returns false if another engine is at it.
CREATE OR REPLACE FUNCTION tasker.roll_up() RETURNS boolean
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    v_state tasker.rollup_state;
    v_last_id bigint;
    v_upto xid8;
BEGIN
    -- Read before this transaction gets its id: whoever gets a higher one takes higher ids of rows. (Those are given out a moment
    -- before the transaction's id where a log row is the first thing that a transaction writes; hence the margin.) A snapshot's xmax
    -- is no such bound: it is one more than the last transaction that has ended, and others have begun since.
    SELECT last_value - 1000 INTO v_last_id FROM tasker.transitions_id_seq;
    SELECT * INTO v_state FROM tasker.rollup_state FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    v_upto := pg_snapshot_xmin(pg_current_snapshot());
    IF v_upto <= v_state.upto THEN
        RETURN true;
    END IF;

    WITH fresh AS MATERIALIZED (
        SELECT coalesce(t.template_id, 0) AS template_id, date_trunc('minute', l.at) AS minute, l.task_path, l.step_path,
               CASE WHEN l.task_path[cardinality(l.task_path)] = 'complete' THEN l.at - t.created_at END AS task_took,
               CASE WHEN l.step_path[1] = 'in_progress'
                         AND l.step_path[2] IN ('enqueued_for_orchestration', 'enqueued_as_error_for_orchestration')
                    THEN l.step_uuid END AS ended_step,
               l.task_uuid, l.claim_no, l.at, t.created_at, t.total_steps, l.task_path[cardinality(l.task_path)] AS ended_as
        FROM tasker.transitions l LEFT JOIN tasker.tasks t USING (task_uuid)
        WHERE l.id > v_state.floor_id AND l.xid >= v_state.upto AND l.xid < v_upto),
    -- Grouped before anything else: there are few paths and many rows.
    paths AS (
        SELECT minute, template_id, CASE WHEN step_path IS NULL THEN 'task' ELSE 'step' END AS entity,
               coalesce(task_path::text[], step_path::text[]) AS path, n
        FROM (SELECT minute, template_id, task_path, step_path, count(*) AS n FROM fresh GROUP BY 1, 2, 3, 4) grouped),
    hops AS (
        SELECT m.minute, p.template_id, p.entity, coalesce(p.path[i - 1], '') AS from_state, p.path[i] AS to_state, sum(p.n) AS n
        FROM paths p
        CROSS JOIN generate_series(CASE WHEN p.entity = 'task' AND p.path[1] = 'pending' THEN 1 ELSE 2 END, cardinality(p.path)) AS i
        CROSS JOIN LATERAL (VALUES (p.minute), ('-infinity'::timestamptz)) AS m(minute)
        GROUP BY 1, 2, 3, 4, 5),
    took AS (
        SELECT minute, template_id, 'task' AS entity, (extract(epoch FROM task_took) * 1000)::bigint AS ms
        FROM fresh WHERE task_took IS NOT NULL
        UNION ALL
        SELECT f.minute, f.template_id, 'step', a.execution_ms
        FROM fresh f
        JOIN tasker.step_attempts a ON a.task_uuid = f.task_uuid AND a.step_uuid = f.ended_step AND a.claim_no = f.claim_no
        WHERE f.ended_step IS NOT NULL AND a.execution_ms IS NOT NULL),
    ends AS (
        SELECT date_trunc('hour', f.at) AS hour, f.template_id, '' AS step, f.ended_as = 'error' AS failed,
               (extract(epoch FROM f.at - f.created_at) * 1000)::bigint AS ms, f.total_steps AS steps, f.at
        FROM fresh f WHERE f.ended_as IN ('complete', 'error') AND f.created_at IS NOT NULL
        UNION ALL
        SELECT date_trunc('hour', f.at), f.template_id, ts.name, NOT a.success, a.execution_ms, 0, f.at
        FROM fresh f
        JOIN tasker.step_attempts a ON a.task_uuid = f.task_uuid AND a.step_uuid = f.ended_step AND a.claim_no = f.claim_no
        CROSS JOIN LATERAL (
            SELECT s.template_step_id FROM tasker.steps s WHERE s.step_uuid = f.ended_step
            UNION ALL
            SELECT x.template_step_id FROM tasker.superseded_steps x WHERE x.step_uuid = f.ended_step
            LIMIT 1) s
        JOIN tasker.template_steps ts USING (template_step_id)
        WHERE f.ended_step IS NOT NULL AND a.execution_ms IS NOT NULL),
    by_hour AS (
        INSERT INTO tasker.durations_by_hour AS d (hour, template_id, step, items, errors, total_ms, max_ms, steps, last_at)
        SELECT hour, template_id, step, count(*), count(*) FILTER (WHERE failed), sum(ms), max(ms), sum(steps), max(at)
        FROM ends GROUP BY 1, 2, 3
        ON CONFLICT (hour, template_id, step) DO UPDATE
        SET items = d.items + excluded.items, errors = d.errors + excluded.errors, total_ms = d.total_ms + excluded.total_ms,
            max_ms = greatest(d.max_ms, excluded.max_ms), steps = d.steps + excluded.steps,
            last_at = greatest(d.last_at, excluded.last_at)),
    buckets AS (
        SELECT minute, template_id, entity, width_bucket(ms - 1, tasker.duration_bounds()) + 1 AS bucket, count(*) AS n, sum(ms) AS ms
        FROM took GROUP BY 1, 2, 3, 4),
    durations AS (
        INSERT INTO tasker.durations_by_minute AS d (minute, template_id, entity, bucket, items, total_ms)
        SELECT m.minute, b.template_id, b.entity, b.bucket, sum(b.n), sum(b.ms)
        FROM buckets b CROSS JOIN LATERAL (VALUES (b.minute), ('-infinity'::timestamptz)) AS m(minute)
        GROUP BY 1, 2, 3, 4
        ON CONFLICT (minute, template_id, entity, bucket) DO UPDATE
        SET items = d.items + excluded.items, total_ms = d.total_ms + excluded.total_ms)
    INSERT INTO tasker.hops_by_minute AS h (minute, template_id, entity, from_state, to_state, hops)
    SELECT minute, template_id, entity, from_state, to_state, n FROM hops
    ON CONFLICT (minute, template_id, entity, from_state, to_state) DO UPDATE SET hops = h.hops + excluded.hops;

    UPDATE tasker.rollup_state s
    SET upto = v_upto,
        floor_id = CASE WHEN s.mark_xid <= v_upto THEN s.mark_id ELSE s.floor_id END,
        mark_xid = CASE WHEN s.mark_xid <= v_upto THEN pg_current_xact_id() ELSE s.mark_xid END,
        mark_id = CASE WHEN s.mark_xid <= v_upto THEN v_last_id ELSE s.mark_id END;
    RETURN true;
END
$$;
