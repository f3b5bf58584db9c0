-- Makes steps claimable that the caller has just moved to enqueued: a row in ready_steps each and, where the namespace's queue
-- lives in this database, a message. Sorted, since unique keys are inserted in one order everywhere.
CREATE OR REPLACE FUNCTION tasker.enqueue_steps(p_steps uuid[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_queue record;
    v_paused boolean := EXISTS (SELECT FROM tasker.pauses);
BEGIN
    IF coalesce(cardinality(p_steps), 0) = 0 THEN
        RETURN;
    END IF;
    INSERT INTO tasker.ready_lanes (namespace, priority)
    SELECT DISTINCT ts.namespace, s.priority
    FROM tasker.steps s
    JOIN tasker.template_steps ts USING (template_step_id)
    WHERE s.step_uuid = ANY (p_steps)
      AND NOT EXISTS (SELECT FROM tasker.ready_lanes l WHERE l.namespace = ts.namespace AND l.priority = s.priority)
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING;
    FOR v_queue IN
        SELECT n.name, n.queue_name
        FROM tasker.namespaces n
        WHERE n.name IN (SELECT ts.namespace FROM tasker.steps s JOIN tasker.template_steps ts USING (template_step_id)
                         WHERE s.step_uuid = ANY (p_steps))
        ORDER BY 1
    LOOP
        IF v_queue.queue_name IS NULL THEN
            INSERT INTO tasker.ready_steps (step_uuid, task_uuid, namespace, handler, priority, ready_at, holds)
            SELECT s.step_uuid, s.task_uuid, ts.namespace, ts.handler, s.priority, p_now,
                   CASE WHEN v_paused THEN tasker.pause_holds(ts.namespace, s.task_uuid) ELSE 0 END
            FROM tasker.steps s
            JOIN tasker.template_steps ts USING (template_step_id)
            WHERE s.step_uuid = ANY (p_steps) AND ts.namespace = v_queue.name
            ORDER BY s.step_uuid;
        ELSE
            EXECUTE format($q$
                -- The message's id is taken beforehand: to put steps and messages together afterwards would cost n * n.
                WITH steps AS MATERIALIZED (
                    SELECT s.step_uuid, s.task_uuid, ts.namespace, ts.handler, s.priority, t.correlation_id,
                           nextval(pg_get_serial_sequence('pgmq.%1$I', 'msg_id')) AS message_id
                    FROM tasker.steps s
                    JOIN tasker.template_steps ts USING (template_step_id)
                    JOIN tasker.tasks t ON t.task_uuid = s.task_uuid
                    WHERE s.step_uuid = ANY ($1) AND ts.namespace = $3
                    ORDER BY s.step_uuid),
                sent AS (
                    INSERT INTO pgmq.%1$I (msg_id, vt, message) OVERRIDING SYSTEM VALUE
                    SELECT message_id, $2,
                           jsonb_build_object('task_uuid', task_uuid, 'step_uuid', step_uuid, 'correlation_id', correlation_id)
                    FROM steps)
                INSERT INTO tasker.ready_steps (step_uuid, task_uuid, namespace, handler, priority, ready_at, holds, published_at, message_id)
                SELECT step_uuid, task_uuid, namespace, handler, priority, $2,
                       CASE WHEN $4 THEN tasker.pause_holds(namespace, task_uuid) ELSE 0 END, $2, message_id
                FROM steps$q$, 'q_' || lower(v_queue.queue_name))
            USING p_steps, p_now, v_queue.name, v_paused;
        END IF;
    END LOOP;
END
$$;
