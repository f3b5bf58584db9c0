-- Which steps of a template a decision brings into being: p_named, the steps between them and the decision, what follows when
-- all its parents are there, and convergence steps with at least one parent that is there. Positions; p_present are those that exist.
-- A convergence waits while a decision that is still open (p_open) may create another of its parents; the children of a
-- decision come by its word alone.
CREATE OR REPLACE FUNCTION tasker.steps_to_create(p_revision int, p_decision int, p_named int[], p_present int[], p_open int[]) RETURNS int[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_there int[];
    v_open int[];
    v_more int[];
BEGIN
    SELECT p_present || coalesce(array_agg(s.position), '{}') INTO v_there
    FROM tasker.template_steps s
    WHERE s.revision_id = p_revision AND s.position <> ALL (p_present)
      AND (s.position = ANY (p_named)
           OR p_decision = ANY (s.ancestors) AND EXISTS (
               SELECT FROM tasker.template_steps n
               WHERE n.revision_id = p_revision AND n.position = ANY (p_named) AND s.position = ANY (n.ancestors)));
    LOOP
        SELECT p_open || coalesce(array_agg(s.position), '{}') INTO v_open
        FROM tasker.template_steps s
        WHERE s.revision_id = p_revision AND s.step_type = 'decision' AND s.position = ANY (v_there) AND s.position <> ALL (p_present);
        SELECT array_agg(s.position) INTO v_more
        FROM tasker.template_steps s
        WHERE s.revision_id = p_revision AND s.position <> ALL (v_there) AND s.step_type <> 'batch_worker' AND s.parents <> '{}'
          AND CASE WHEN s.step_type = 'deferred_convergence' THEN
                  s.parents && v_there
                  AND NOT EXISTS (
                      SELECT FROM tasker.template_steps p
                      WHERE p.revision_id = p_revision AND p.position = ANY (s.parents) AND p.position <> ALL (v_there) AND p.ancestors && v_open)
              ELSE
                  s.parents <@ v_there
                  AND NOT EXISTS (
                      SELECT FROM tasker.template_steps p
                      WHERE p.revision_id = p_revision AND p.position = ANY (s.parents) AND p.step_type = 'decision')
              END;
        EXIT WHEN v_more IS NULL;
        v_there := v_there || v_more;
    END LOOP;
    RETURN ARRAY (SELECT unnest(v_there) EXCEPT SELECT unnest(p_present) ORDER BY 1);
END
$$;
