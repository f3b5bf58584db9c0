-- The opposite of enqueue_steps: takes steps out of ready_steps with their messages. Returns those that were there.
-- The caller holds the steps' row locks.
CREATE OR REPLACE FUNCTION tasker.unqueue_steps(p_steps uuid[]) RETURNS uuid[]
LANGUAGE plpgsql AS $$
DECLARE
    v_steps uuid[];
    v_messages bigint[];
    v_namespaces text[];
    v_queue record;
BEGIN
    WITH gone AS (DELETE FROM tasker.ready_steps WHERE step_uuid = ANY (p_steps) RETURNING step_uuid, namespace, message_id)
    SELECT array_agg(step_uuid), array_agg(message_id), array_agg(namespace)
    INTO v_steps, v_messages, v_namespaces
    FROM gone;
    FOR v_queue IN
        SELECT n.queue_name, array_agg(m.message_id) AS ids
        FROM unnest(v_messages, v_namespaces) AS m(message_id, namespace)
        JOIN tasker.namespaces n ON n.name = m.namespace
        WHERE m.message_id IS NOT NULL AND n.queue_name IS NOT NULL
        GROUP BY 1
    LOOP
        EXECUTE format('DELETE FROM pgmq.%I WHERE msg_id = ANY ($1)', 'q_' || lower(v_queue.queue_name)) USING v_queue.ids;
    END LOOP;
    RETURN v_steps;
END
$$;
