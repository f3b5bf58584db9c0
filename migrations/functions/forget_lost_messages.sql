-- Has steps published again that were published longer than p_after ago and still wait although the queue of their namespace is empty:
-- their messages are lost. What waits for a handler that nobody has is left alone; a message would help nobody. At most p_limit.
CREATE OR REPLACE FUNCTION tasker.forget_lost_messages(p_namespaces text[], p_after interval, p_limit int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    v_steps uuid[];
BEGIN
    SELECT array_agg(lost.step_uuid) INTO v_steps
    FROM (SELECT r.step_uuid FROM tasker.ready_steps r
          WHERE r.namespace = ANY (p_namespaces) AND NOT r.held AND r.message_id IS NULL
            AND r.published_at < tasker.now() - p_after
            AND NOT EXISTS (SELECT FROM tasker.missing_handlers m WHERE m.namespace = r.namespace AND m.handler = r.handler)
          ORDER BY r.ready_at
          LIMIT p_limit) lost;
    RETURN CASE WHEN v_steps IS NULL THEN 0 ELSE tasker.settle_published(v_steps, false) END;
END
$$;
