-- What must be true of the data after every commit, whatever was killed, raced or done by hand. Answers one row a violation:
-- the invariant's name, the task or step (NULL: neither), and what was found. No row means that all is well.
-- STABLE, so that all questions are answered from one snapshot, also while engines and workers run.
CREATE OR REPLACE FUNCTION tasker.invariant_violations() RETURNS TABLE (invariant text, subject uuid, detail text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    v_live tasker.step_state[] := '{enqueued,in_progress,enqueued_for_orchestration,enqueued_as_error_for_orchestration}';
    v_done tasker.step_state[] := '{complete,resolved_manually}';
    v_queue record;
BEGIN
    RETURN QUERY
    SELECT 'step_belongs_to_task', s.step_uuid, format('there is no task %s', s.task_uuid)
    FROM tasker.steps s
    WHERE NOT EXISTS (SELECT FROM tasker.tasks t WHERE t.task_uuid = s.task_uuid);

    -- Edges as sets: an array of ten thousand children is not searched for each of them.
    RETURN QUERY
    WITH down AS (SELECT s.task_uuid, s.step_uuid AS parent, unnest(s.children) AS child FROM tasker.steps s),
    up AS (SELECT s.task_uuid, unnest(s.parents) AS parent, s.step_uuid AS child FROM tasker.steps s)
    SELECT 'edges_are_mutual', e.parent, format('child %s does not know it, or is not in its task', e.child)
    FROM (SELECT * FROM down EXCEPT ALL SELECT * FROM up) e
    UNION ALL
    SELECT 'edges_are_mutual', e.child, format('parent %s does not know it, or is not in its task', e.parent)
    FROM (SELECT * FROM up EXCEPT ALL SELECT * FROM down) e;

    RETURN QUERY
    SELECT 'remaining_parents_is_count', s.step_uuid, format('says %s, is %s', s.remaining_parents, c.n)
    FROM tasker.steps s
    CROSS JOIN LATERAL (SELECT count(*) AS n FROM tasker.steps p WHERE p.step_uuid = ANY (s.parents) AND p.state <> ALL (v_done)) c
    WHERE s.remaining_parents <> c.n;

    -- An operator may end a step whose parents are not done; a worker never gets it.
    RETURN QUERY
    SELECT 'no_step_before_its_parents', s.step_uuid, format('is %s with %s parents to come', s.state, s.remaining_parents)
    FROM tasker.steps s
    WHERE s.remaining_parents > 0
      AND (s.state = ANY (v_live || '{waiting_for_retry,error}')
           OR s.state = 'complete' AND EXISTS (
               SELECT FROM tasker.step_attempts a
               WHERE a.task_uuid = s.task_uuid AND a.step_uuid = s.step_uuid AND a.claim_no = s.claim_no AND a.worker_uuid IS NOT NULL));

    RETURN QUERY
    SELECT 'freed_step_is_enqueued', s.step_uuid, 'is pending though all of its parents are done'
    FROM tasker.steps s
    WHERE s.state = 'pending' AND s.remaining_parents = 0;

    RETURN QUERY
    SELECT 'enqueued_means_ready', coalesce(s.step_uuid, r.step_uuid),
           format('step is %s, %s', coalesce(s.state::text, 'missing'), CASE WHEN r.step_uuid IS NULL THEN 'no ready row' ELSE 'a ready row' END)
    FROM (SELECT * FROM tasker.steps WHERE state = 'enqueued') e
    FULL JOIN tasker.ready_steps r USING (step_uuid)
    LEFT JOIN tasker.steps s ON s.step_uuid = coalesce(e.step_uuid, r.step_uuid)
    WHERE e.step_uuid IS NULL OR r.step_uuid IS NULL;

    RETURN QUERY
    SELECT 'ready_row_says_its_step', r.step_uuid, format('%s/%s priority %s', r.namespace, r.handler, r.priority)
    FROM tasker.ready_steps r
    JOIN tasker.steps s USING (step_uuid)
    JOIN tasker.template_steps ts USING (template_step_id)
    WHERE (r.task_uuid, r.namespace, r.handler, r.priority) <> (s.task_uuid, ts.namespace, ts.handler, s.priority)
       OR NOT EXISTS (SELECT FROM tasker.ready_lanes l WHERE l.namespace = r.namespace AND l.priority = r.priority);

    RETURN QUERY
    SELECT 'in_progress_means_leased', coalesce(s.step_uuid, l.step_uuid),
           format('step is %s with claim %s, lease has claim %s', coalesce(s.state::text, 'missing'), s.claim_no, coalesce(l.claim_no::text, 'none'))
    FROM (SELECT * FROM tasker.steps WHERE state = 'in_progress') e
    FULL JOIN tasker.leases l USING (step_uuid)
    LEFT JOIN tasker.steps s ON s.step_uuid = coalesce(e.step_uuid, l.step_uuid)
    WHERE e.step_uuid IS NULL OR l.step_uuid IS NULL OR e.claim_no <> l.claim_no;

    RETURN QUERY
    SELECT 'waiting_means_timer', coalesce(s.step_uuid, r.step_uuid),
           format('step is %s, due %s, timer %s', coalesce(s.state::text, 'missing'), s.retry_at, coalesce(r.retry_at::text, 'none'))
    FROM (SELECT * FROM tasker.steps WHERE state = 'waiting_for_retry' OR retry_at IS NOT NULL) e
    FULL JOIN tasker.step_retries r USING (step_uuid)
    LEFT JOIN tasker.steps s ON s.step_uuid = coalesce(e.step_uuid, r.step_uuid)
    WHERE s.state IS DISTINCT FROM 'waiting_for_retry' OR e.retry_at IS DISTINCT FROM r.retry_at;

    RETURN QUERY
    SELECT 'left_over_waits_for_engine', s.step_uuid, format('is %s with claim %s, and no engine will look', s.state, s.claim_no)
    FROM tasker.steps s
    WHERE s.state IN ('enqueued_for_orchestration', 'enqueued_as_error_for_orchestration')
      AND NOT EXISTS (SELECT FROM tasker.unprocessed_results u WHERE u.step_uuid = s.step_uuid AND u.claim_no = s.claim_no);

    RETURN QUERY
    SELECT 'task_counts_its_steps', t.task_uuid,
           format('total %s is %s, sinks %s is %s, failed %s is %s, retrying %s is %s', t.total_steps, c.total, t.remaining_sinks, c.sinks,
                  t.failed_steps, c.failed, t.retrying_steps, c.retrying)
    FROM tasker.tasks t
    CROSS JOIN LATERAL (
        SELECT count(*) AS total, count(*) FILTER (WHERE s.children = '{}' AND s.state <> ALL (v_done)) AS sinks,
               count(*) FILTER (WHERE s.state = 'error') AS failed, count(*) FILTER (WHERE s.state = 'waiting_for_retry') AS retrying
        FROM tasker.steps s WHERE s.task_uuid = t.task_uuid) c
    WHERE (t.total_steps, t.remaining_sinks, t.failed_steps, t.retrying_steps) <> (c.total, c.sinks, c.failed, c.retrying);

    -- A task that an engine was asked to look at again may be behind until it has. The rest of a batch that has failed waits for the operator.
    RETURN QUERY
    SELECT 'task_state_fits_its_steps', t.task_uuid,
           format('is %s with %s live steps, %s sinks to come, %s failed, %s retrying', t.state, c.live, t.remaining_sinks, t.failed_steps, t.retrying_steps)
    FROM tasker.tasks t
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE s.state = ANY (v_live)
                                  AND NOT EXISTS (SELECT FROM tasker.ready_steps r WHERE r.step_uuid = s.step_uuid AND r.holds & 16 <> 0)) AS live,
               count(*) FILTER (WHERE s.state NOT IN ('complete', 'cancelled', 'resolved_manually')) AS unfinished
        FROM tasker.steps s WHERE s.task_uuid = t.task_uuid) c
    WHERE NOT CASE t.state
                  WHEN 'complete' THEN t.remaining_sinks = 0 AND c.unfinished = 0
                  WHEN 'cancelled' THEN c.unfinished = 0
                  WHEN 'resolved_manually' THEN c.live = 0
                  WHEN 'error' THEN c.live = 0
                  WHEN 'steps_in_process' THEN c.live > 0 AND (t.remaining_sinks > 0 OR t.ended_by_hand)
                  WHEN 'waiting_for_retry' THEN c.live = 0 AND t.retrying_steps > 0 AND (t.remaining_sinks > 0 OR t.ended_by_hand)
                  WHEN 'blocked_by_failures' THEN c.live = 0 AND t.retrying_steps = 0 AND t.failed_steps > 0
                                                AND (t.remaining_sinks > 0 OR t.ended_by_hand)
                  ELSE false END
      AND NOT EXISTS (SELECT FROM tasker.unprocessed_results u WHERE u.task_uuid = t.task_uuid);

    RETURN QUERY
    SELECT 'task_end_is_dated', t.task_uuid, format('is %s, completed_at %s, final_state %s', t.state, t.completed_at, t.final_state)
    FROM tasker.tasks t
    WHERE (t.completed_at IS NOT NULL) <> (t.state IN ('complete', 'error', 'cancelled', 'resolved_manually'))
       OR t.final_state IS DISTINCT FROM CASE WHEN t.completed_at IS NOT NULL THEN t.state END;

    RETURN QUERY
    SELECT 'step_end_is_dated', s.step_uuid, format('is %s, completed_at %s', s.state, s.completed_at)
    FROM tasker.steps s
    WHERE (s.completed_at IS NOT NULL) <> (s.state IN ('complete', 'cancelled', 'resolved_manually'));

    RETURN QUERY
    WITH hops AS (
        SELECT x.task_uuid, x.step_uuid, x.id, x.path[1] AS first, x.path[cardinality(x.path)] AS last,
               lag(x.path[cardinality(x.path)]) OVER w AS before, lead(x.id) OVER w IS NULL AS newest
        FROM (SELECT l.task_uuid, l.step_uuid, l.id, coalesce(l.task_path::text[], l.step_path::text[]) AS path FROM tasker.transitions l) x
        WINDOW w AS (PARTITION BY x.task_uuid, x.step_uuid ORDER BY x.id)),
    entities AS (
        SELECT t.task_uuid, NULL::uuid AS step_uuid, t.state::text AS state FROM tasker.tasks t
        UNION ALL
        SELECT s.task_uuid, s.step_uuid, s.state::text FROM tasker.steps s)
    SELECT CASE WHEN h.newest IS NULL OR h.newest AND h.last <> e.state THEN 'log_ends_in_the_state' ELSE 'log_has_no_hole' END,
           coalesce(e.step_uuid, e.task_uuid),
           format('is %s; row %s goes from %s to %s, the one before ended in %s', e.state, h.id, h.first, h.last, h.before)
    FROM entities e
    LEFT JOIN hops h ON h.task_uuid = e.task_uuid AND h.step_uuid IS NOT DISTINCT FROM e.step_uuid
    WHERE h.id IS NULL OR h.first <> coalesce(h.before, 'pending') OR h.newest AND h.last <> e.state;

    RETURN QUERY
    SELECT 'claim_no_grows', l.step_uuid, format('row %s has claim %s after %s', l.id, l.claim_no, l.before)
    FROM (SELECT x.step_uuid, x.id, x.claim_no, max(x.claim_no) OVER (PARTITION BY x.step_uuid ORDER BY x.id ROWS UNBOUNDED PRECEDING) AS before
          FROM tasker.transitions x WHERE x.step_uuid IS NOT NULL) l
    WHERE l.claim_no < l.before;

    RETURN QUERY
    SELECT 'done_step_has_its_result', s.step_uuid, format('is %s with claim %s, and no successful attempt of it', s.state, s.claim_no)
    FROM tasker.steps s
    WHERE s.state = ANY (v_done)
      AND NOT EXISTS (SELECT FROM tasker.step_attempts a
                      WHERE a.task_uuid = s.task_uuid AND a.step_uuid = s.step_uuid AND a.claim_no = s.claim_no AND a.success);

    RETURN QUERY
    SELECT 'failed_step_has_its_error', s.step_uuid, format('is %s with claim %s, and no failed attempt of it', s.state, s.claim_no)
    FROM tasker.steps s
    WHERE s.state IN ('error', 'waiting_for_retry', 'enqueued_as_error_for_orchestration')
      AND NOT EXISTS (SELECT FROM tasker.step_attempts a
                      WHERE a.task_uuid = s.task_uuid AND a.step_uuid = s.step_uuid AND a.claim_no = s.claim_no AND NOT a.success);

    RETURN QUERY
    SELECT 'failed_step_is_noted', coalesce(s.step_uuid, f.step_uuid),
           format('step is %s, %s', coalesce(s.state::text, 'not in error'), CASE WHEN f.step_uuid IS NULL THEN 'not noted' ELSE 'noted' END)
    FROM (SELECT * FROM tasker.steps WHERE state = 'error') s
    FULL JOIN tasker.failed_steps f USING (step_uuid)
    WHERE s.step_uuid IS NULL OR f.step_uuid IS NULL;

    -- A run ends where an operator takes the step's result back, or an engine refuses what it asks for; each run has its own effect. What an
    -- operator gives is no effect of a worker: it may come instead of a decision that was not carried out yet.
    RETURN QUERY
    WITH repeated AS MATERIALIZED (
        SELECT a.task_uuid, a.step_uuid FROM tasker.step_attempts a
        WHERE a.success AND a.worker_uuid IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1),
    taken_back AS MATERIALIZED (
        SELECT l.step_uuid, l.claim_no
        FROM tasker.transitions l JOIN repeated USING (task_uuid, step_uuid)
        WHERE l.step_path[1:2] IN ('{complete,pending}', '{resolved_manually,pending}', '{enqueued_for_orchestration,waiting_for_retry}',
                                   '{enqueued_for_orchestration,error}'))
    SELECT 'effect_is_recorded_once', s.step_uuid, format('%s successful attempts in run %s', count(*), s.run + 1)
    FROM (SELECT a.step_uuid, (SELECT count(*) FROM taken_back b WHERE b.step_uuid = a.step_uuid AND b.claim_no <= a.claim_no) AS run
          FROM tasker.step_attempts a JOIN repeated USING (task_uuid, step_uuid)
          WHERE a.success AND a.worker_uuid IS NOT NULL) s
    GROUP BY s.step_uuid, s.run
    HAVING count(*) > 1;

    RETURN QUERY
    SELECT 'superseded_step_is_gone', x.step_uuid, 'is still a step of its task'
    FROM tasker.superseded_steps x
    WHERE EXISTS (SELECT FROM tasker.steps s WHERE s.step_uuid = x.step_uuid);

    RETURN QUERY
    SELECT 'attempt_was_claimed', a.step_uuid, format('an attempt of claim %s, the step is at %s', a.claim_no, s.claim_no)
    FROM tasker.step_attempts a
    JOIN tasker.steps s USING (step_uuid)
    WHERE a.claim_no > s.claim_no OR a.task_uuid <> s.task_uuid;

    RETURN QUERY
    SELECT 'attempts_are_within_limits', s.step_uuid, format('%s attempts, %s allowed', s.attempts, greatest(ts.max_attempts, 1))
    FROM tasker.steps s
    JOIN tasker.template_steps ts USING (template_step_id)
    WHERE s.attempts < 0 OR s.attempts > CASE WHEN ts.retryable THEN greatest(ts.max_attempts, 1) ELSE 1 END;

    RETURN QUERY
    SELECT 'event_belongs_to_a_result', e.step_uuid, format('event %s of claim %s has no attempt', e.event ->> 'event_name', e.claim_no)
    FROM tasker.domain_events e
    WHERE NOT EXISTS (SELECT FROM tasker.step_attempts a
                      WHERE a.task_uuid = e.task_uuid AND a.step_uuid = e.step_uuid AND a.claim_no = e.claim_no);

    RETURN QUERY
    SELECT 'identity_points_to_a_task', i.task_uuid, format('key of template %s', i.template_id)
    FROM tasker.task_identities i
    WHERE NOT EXISTS (SELECT FROM tasker.tasks t WHERE t.task_uuid = i.task_uuid AND t.template_id = i.template_id);

    RETURN QUERY
    SELECT 'bulk_counts_its_items', o.bulk_uuid,
           format('is %s at item %s of %s (there are %s); done %s is %s, skipped %s is %s, failed %s is %s', o.state, o.next_number, o.items, c.items,
                  o.done, c.done, o.skipped, c.skipped, o.failed, c.failed)
    FROM tasker.bulk_operations o
    CROSS JOIN LATERAL (
        SELECT count(*) AS items, count(*) FILTER (WHERE i.outcome = 'done') AS done, count(*) FILTER (WHERE i.outcome = 'skipped') AS skipped,
               count(*) FILTER (WHERE i.outcome = 'failed') AS failed,
               count(*) FILTER (WHERE (i.outcome IS NULL) = (i.number < o.next_number)) AS out_of_turn
        FROM tasker.bulk_items i WHERE i.bulk_uuid = o.bulk_uuid) c
    WHERE (o.items, o.done, o.skipped, o.failed) <> (c.items, c.done, c.skipped, c.failed) OR c.out_of_turn > 0
       OR o.next_number <> 1 + c.done + c.skipped + c.failed OR (o.state = 'complete') <> (o.next_number > o.items AND o.started_at IS NOT NULL);

    RETURN QUERY
    SELECT 'open_dead_letter_has_its_task', d.task_uuid, format('letter %s is open, the task is %s', d.dlq_entry_uuid, coalesce(t.state::text, 'missing'))
    FROM tasker.tasks_dlq d
    LEFT JOIN tasker.tasks t USING (task_uuid)
    WHERE d.resolution_status = 'pending' AND (t.state IS NULL OR t.state IN ('complete', 'cancelled', 'resolved_manually'));

    RETURN QUERY
    SELECT 'limited_task_is_looked_at', t.task_uuid, 'its template enforces limits, and nobody will look at them'
    FROM tasker.tasks t
    JOIN tasker.template_revisions r USING (revision_id)
    WHERE t.completed_at IS NULL AND r.limits IS NOT NULL
      AND NOT EXISTS (SELECT FROM tasker.task_limits l WHERE l.task_uuid = t.task_uuid);

    -- Namespaces whose names differ in case alone share a queue.
    FOR v_queue IN
        SELECT 'q_' || lower(n.queue_name) AS name, array_agg(n.name) AS namespaces FROM tasker.namespaces n
        -- Namespaces without a queue have their messages elsewhere.
        WHERE to_regclass(format('pgmq.%I', 'q_' || lower(coalesce(n.queue_name, '')))) IS NOT NULL
        GROUP BY 1
    LOOP
        RETURN QUERY EXECUTE format($q$
            SELECT 'message_means_ready', coalesce(r.step_uuid, (m.message ->> 'step_uuid')::uuid),
                   format('message %%s of queue %%s: %%s', coalesce(m.msg_id, r.message_id), %L,
                          CASE WHEN r.step_uuid IS NULL THEN 'there is no ready row' ELSE 'it is not there' END)
            FROM (SELECT * FROM tasker.ready_steps WHERE namespace = ANY ($1) AND message_id IS NOT NULL) r
            FULL JOIN pgmq.%I m ON m.msg_id = r.message_id AND (m.message ->> 'step_uuid')::uuid = r.step_uuid
            WHERE r.step_uuid IS NULL OR m.msg_id IS NULL$q$, v_queue.name, v_queue.name)
        USING v_queue.namespaces;
    END LOOP;
END
$$;
