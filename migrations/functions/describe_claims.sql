-- What a worker needs to run the steps that it holds a lease on. dependencies maps each direct parent's name to the data
-- of its handler (null where a parent was resolved without a result); NULL when they are larger than p_dependency_limit bytes.
-- template_step_id is the number of the step's definition: of the template's, or below zero of the edit that replaces its settings.
CREATE OR REPLACE FUNCTION tasker.describe_claims(p_steps uuid[], p_dependency_limit bigint)
RETURNS TABLE (step_uuid uuid, task_uuid uuid, claim_no bigint, attempt int, chain smallint, template_step_id int, name text,
               correlation_id uuid, context jsonb, dependencies jsonb, inputs jsonb, checkpoint jsonb)
LANGUAGE sql VOLATILE AS $$
    SELECT s.step_uuid, s.task_uuid, s.claim_no, s.attempts, l.chain, coalesce(-s.settings_edit, s.template_step_id), s.name, t.correlation_id, t.context,
           CASE WHEN s.parents = '{}' THEN '{}'::jsonb
                ELSE (SELECT CASE WHEN sum(pg_column_size(a.result)) <= p_dependency_limit OR count(a.result) = 0
                                  THEN jsonb_object_agg(p.name, a.result) END
                      FROM tasker.steps p
                      -- By task_uuid alone a join of n steps would cost n * n.
                      LEFT JOIN LATERAL (SELECT a.result FROM tasker.step_attempts a
                                         WHERE a.task_uuid = s.task_uuid AND a.step_uuid = p.step_uuid AND a.claim_no = p.claim_no
                                           AND a.success
                                         LIMIT 1) a ON true
                      WHERE p.step_uuid = ANY (s.parents)) END,
           s.inputs, s.checkpoint
    -- LIMIT makes each a look-up by key whatever the statistics say: analyzed while it was empty, leases would be read whole for
    -- every step, with all the dead rows that a held snapshot keeps.
    FROM tasker.steps s
    CROSS JOIN LATERAL (SELECT l.chain FROM tasker.leases l WHERE l.step_uuid = s.step_uuid LIMIT 1) l
    CROSS JOIN LATERAL (SELECT t.correlation_id, t.context FROM tasker.tasks t WHERE t.task_uuid = s.task_uuid LIMIT 1) t
    WHERE s.step_uuid = ANY (p_steps)
    ORDER BY s.priority DESC, s.step_uuid
$$;
