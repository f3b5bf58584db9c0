-- Moves domain events that come after p_after into the queue of their namespace, at most p_limit; answers how many, and the last one's id.
-- The queue is in this database: an event is in the outbox or in the queue, whatever crashes.
CREATE OR REPLACE FUNCTION tasker.publish_domain_events(p_limit int, p_after bigint, OUT published int, OUT last_id bigint)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
    v_ids bigint[];
    v_batch record;
BEGIN
    SELECT count(*), coalesce(max(id), p_after), array_agg(id) INTO published, last_id, v_ids
    FROM (SELECT e.id FROM tasker.domain_events e WHERE e.id > p_after AND e.ready ORDER BY e.id LIMIT p_limit
          FOR UPDATE SKIP LOCKED) waiting;
    FOR v_batch IN
        WITH taken AS (
            DELETE FROM tasker.domain_events e WHERE e.id = ANY (v_ids) RETURNING e.id, e.namespace, e.event)
        SELECT tasker.event_queue(t.namespace) AS queue, array_agg(t.event ORDER BY t.id) AS events
        FROM taken t GROUP BY 1 ORDER BY 1
    LOOP
        PERFORM pgmq.send_batch(v_batch.queue, v_batch.events);
    END LOOP;
END
$$;
