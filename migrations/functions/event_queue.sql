-- The queue that outside consumers read a namespace's domain events from, made if it is not there. Namespaces whose names
-- differ in case alone share one, as PGMQ's names have no case.
CREATE OR REPLACE FUNCTION tasker.event_queue(p_namespace text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_queue text := lower(p_namespace) || '_domain_events';
BEGIN
    IF to_regclass(format('pgmq.%I', 'q_' || v_queue)) IS NULL THEN
        PERFORM pgmq.create(v_queue);
    END IF;
    RETURN v_queue;
END
$$;
