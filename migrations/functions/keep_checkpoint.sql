-- A handler yielded: keeps where it stopped, under the fencing token, and lets the attempt run for its whole time-out again. The last twenty
-- checkpoints stay as history. Answers the checkpoint as it is kept, NULL if the step is no longer the worker's.
CREATE OR REPLACE FUNCTION tasker.keep_checkpoint(p_step uuid, p_claim bigint, p_checkpoint jsonb, p_lease interval) RETURNS jsonb
LANGUAGE sql AS $$
    WITH kept AS (
        UPDATE tasker.steps s
        SET updated_at = tasker.now(),
            checkpoint = p_checkpoint || jsonb_build_object('history', (
                SELECT jsonb_agg(h.entry ORDER BY h.n)
                FROM (SELECT x.entry, x.n
                      FROM jsonb_array_elements(
                          coalesce(s.checkpoint -> 'history', '[]')
                          || jsonb_build_array(jsonb_build_object('cursor', p_checkpoint -> 'cursor',
                                                                  'items_processed', p_checkpoint -> 'items_processed', 'at', tasker.now())))
                          WITH ORDINALITY AS x(entry, n)
                      ORDER BY x.n DESC LIMIT 20) h))
        WHERE s.step_uuid = p_step AND s.claim_no = p_claim AND s.state = 'in_progress'
        RETURNING s.step_uuid, s.template_step_id, s.checkpoint),
    renewed AS (
        UPDATE tasker.leases l
        SET expires_at = tasker.now() + p_lease,
            deadline = coalesce(tasker.now() + make_interval(secs => ts.timeout_seconds + 5), 'infinity')
        FROM kept k JOIN tasker.template_steps ts USING (template_step_id)
        WHERE l.step_uuid = k.step_uuid)
    SELECT k.checkpoint FROM kept k
$$;
