-- Says where the messages of namespaces are from now on: p_queue_names in this database's PGMQ, or NULL for a broker elsewhere. Messages
-- that are in the wrong place are taken out; without one a step is found by polling, or its message is sent by an engine.
-- Returns the namespaces that moved.
CREATE OR REPLACE FUNCTION tasker.move_queues(p_namespaces text[], p_queue_names text[]) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
    v_moved record;
    v_names text[];
BEGIN
    FOR v_moved IN
        SELECT n.name, n.queue_name AS old_queue, w.queue_name AS new_queue
        FROM unnest(p_namespaces, p_queue_names) AS w(name, queue_name)
        JOIN tasker.namespaces n ON n.name = w.name
        WHERE n.queue_name IS DISTINCT FROM w.queue_name
        ORDER BY 1
        FOR NO KEY UPDATE OF n
    LOOP
        v_names := v_names || v_moved.name;
        UPDATE tasker.namespaces n SET queue_name = v_moved.new_queue WHERE n.name = v_moved.name;
        IF v_moved.new_queue IS NOT NULL AND to_regclass(format('pgmq.%I', 'q_' || lower(v_moved.new_queue))) IS NULL THEN
            PERFORM pgmq.create(v_moved.new_queue);
        END IF;
        IF v_moved.old_queue IS NOT NULL THEN
            EXECUTE format($q$
                WITH gone AS (
                    UPDATE tasker.ready_steps r SET message_id = NULL, published_at = NULL, sent_at = NULL
                    FROM (SELECT o.step_uuid, o.message_id FROM tasker.ready_steps o
                          WHERE o.namespace = $1 AND o.message_id IS NOT NULL FOR NO KEY UPDATE SKIP LOCKED) o
                    WHERE r.step_uuid = o.step_uuid
                    RETURNING o.message_id)
                DELETE FROM pgmq.%I WHERE msg_id IN (SELECT message_id FROM gone)$q$, 'q_' || lower(v_moved.old_queue))
            USING v_moved.name;
        END IF;
    END LOOP;
    RETURN v_names;
END
$$;
