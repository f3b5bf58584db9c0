-- Has steps published again that were published longer than p_after ago and still wait although the queue of their namespace is empty:
-- their messages are lost, and those of younger steps of the namespace with them, but for what may be on its way. What waits for a handler
-- that nobody has is left alone; a message would help nobody. Of each namespace and handler only the oldest p_limit: one whose workers are
-- all busy has its messages taken by others' workers, who can't use them.
CREATE OR REPLACE FUNCTION tasker.forget_lost_messages(p_namespaces text[], p_after interval, p_limit int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    v_steps uuid[];
BEGIN
    SELECT array_agg(oldest.step_uuid) INTO v_steps
    FROM (SELECT r.step_uuid, r.published_at, r.namespace, r.handler, r.message_id,
                 bool_or(r.message_id IS NULL AND r.published_at < tasker.now() - p_after) OVER (PARTITION BY r.namespace) AS lost,
                 row_number() OVER (PARTITION BY r.namespace, r.handler ORDER BY r.ready_at, r.step_uuid) AS place
          FROM tasker.ready_steps r
          WHERE r.namespace = ANY (p_namespaces) AND NOT r.held
            AND NOT EXISTS (SELECT FROM tasker.missing_handlers m WHERE m.namespace = r.namespace AND m.handler = r.handler)) oldest
    WHERE oldest.lost AND oldest.place <= p_limit AND oldest.message_id IS NULL
      AND oldest.published_at < tasker.now() - p_after / 6;
    RETURN CASE WHEN v_steps IS NULL THEN 0 ELSE cardinality(tasker.settle_messages(v_steps, false)) END;
END
$$;
