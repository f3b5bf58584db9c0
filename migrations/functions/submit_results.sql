-- Hot path 3: stores the results that a worker submits, under the fencing token, and moves the workflows on.
-- A plain success completes its step, counts the children down and ends the task if it was the last sink. Children that
-- became ready are handed back, leased, as far as p_keep slots and the rules of hand-overs go; the others are enqueued.
-- Failures, decisions and batches are left to an engine in unprocessed_results. p_claim more steps are claimed in the same call.
-- p_events, NULL where no result has any, gives each result an array of domain events, stored with it if it is accepted.
-- Answers one row a step that the worker now holds (outcome 'handed' or 'claimed') and one for each result that was refused
-- ('stale', 'cancelled'); claim_no of a row 'queued' or 'left_over' counts the steps that other workers, or engines, should be
-- told of. Sent again unchanged (p_call), it stores nothing twice and gives the same hand-overs back.
CREATE OR REPLACE FUNCTION tasker.submit_results(
    p_worker uuid, p_call uuid,
    p_steps uuid[], p_claims bigint[], p_success boolean[], p_results jsonb[], p_details jsonb[], p_execution_ms int[],
    p_keep int, p_claim int, p_namespaces text[], p_handlers text[], p_lease interval, p_max_chain int, p_dependency_limit bigint,
    p_events jsonb[] DEFAULT NULL)
RETURNS TABLE (outcome text, step_uuid uuid, task_uuid uuid, claim_no bigint, attempt int, chain smallint, template_step_id int,
               name text, correlation_id uuid, context jsonb, dependencies jsonb, inputs jsonb, checkpoint jsonb)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz;
    v_locked uuid[];
    v_involved uuid[];
    v_accepted uuid[];
    v_plain uuid[];
    v_sinks uuid[];
    v_batches uuid[];
    -- The children of plain successes, how many of their parents are done now, and where to they go: to this worker as so
    -- many hand-overs in a row, to the queue (0), or nowhere yet (NULL).
    v_children uuid[];
    v_counts int[];
    v_chains smallint[];
    v_kept uuid[];
    v_queued uuid[];
    v_claimed uuid[];
    v_left_over int := 0;
    v_paused boolean := EXISTS (SELECT FROM tasker.pauses);
BEGIN
    -- While it waits, a decision that is carried out may give the steps children that nobody has locked.
    LOOP
        SELECT array_agg(u ORDER BY u) INTO v_involved
        FROM (SELECT unnest(p_steps) AS u
              UNION
              SELECT unnest(s.children) FROM tasker.steps s WHERE s.step_uuid = ANY (p_steps)) involved;
        EXIT WHEN v_involved = v_locked;
        v_locked := v_involved;
        PERFORM FROM tasker.steps s WHERE s.step_uuid = ANY (v_locked) ORDER BY s.step_uuid FOR NO KEY UPDATE;
    END LOOP;

    SELECT array_agg(s.step_uuid), array_agg(s.step_uuid) FILTER (WHERE r.success AND ts.step_type NOT IN ('decision', 'batchable')),
           array_agg(DISTINCT s.task_uuid) FILTER (WHERE r.success AND s.children = '{}'),
           array_agg(DISTINCT s.task_uuid) FILTER (WHERE ts.parallelism IS NOT NULL)
    INTO v_accepted, v_plain, v_sinks, v_batches
    FROM unnest(p_steps, p_claims, p_success) AS r(step_uuid, claim_no, success)
    JOIN tasker.steps s ON s.step_uuid = r.step_uuid AND s.claim_no = r.claim_no AND s.state = 'in_progress'
    JOIN tasker.template_steps ts ON ts.template_step_id = s.template_step_id;

    IF v_sinks IS NOT NULL THEN
        PERFORM FROM tasker.tasks t WHERE t.task_uuid = ANY (v_sinks) ORDER BY t.task_uuid FOR NO KEY UPDATE;
    END IF;
    v_now := tasker.now();  -- after the locks: a child that waited for its last parent begins after all of them

    IF v_plain IS NOT NULL THEN
        WITH counted AS MATERIALIZED (
            SELECT child, count(*)::int AS n, (coalesce(max(l.chain), 0) + 1)::smallint AS chain
            FROM tasker.steps s
            -- LIMIT makes it a look-up by key whatever the statistics of a table say that is empty at times.
            LEFT JOIN LATERAL (SELECT l.chain FROM tasker.leases l WHERE l.step_uuid = s.step_uuid LIMIT 1) l ON true
            CROSS JOIN LATERAL unnest(s.children) AS child
            WHERE s.step_uuid = ANY (v_plain)
            GROUP BY child),
        found AS (
            SELECT c.step_uuid, counted.n, counted.chain, c.priority, c.state = 'pending' AND counted.n = c.remaining_parents AS freed,
                   NOT (v_paused AND tasker.pause_holds(ts.namespace, c.task_uuid) <> 0) AND counted.chain <= p_max_chain AND ts.namespace = ANY (p_namespaces) AND ts.handler = ANY (p_handlers)
                   AND NOT EXISTS (
                       SELECT FROM tasker.ready_lanes l
                       CROSS JOIN LATERAL (SELECT FROM tasker.ready_steps r
                                           WHERE r.namespace = l.namespace AND r.priority = l.priority AND NOT r.held
                                             AND r.ready_at >= l.low_mark AND r.handler = ANY (p_handlers)
                                           LIMIT 1) r
                       WHERE l.namespace = ANY (p_namespaces) AND l.priority > c.priority) AS keepable
            FROM counted
            JOIN tasker.steps c ON c.step_uuid = counted.child
            JOIN tasker.template_steps ts ON ts.template_step_id = c.template_step_id),
        ranked AS (
            SELECT f.step_uuid, f.n, f.chain, f.freed,
                   f.freed AND f.keepable
                   AND row_number() OVER (PARTITION BY f.freed AND f.keepable ORDER BY f.priority DESC, f.step_uuid) <= p_keep AS kept
            FROM found f)
        SELECT array_agg(step_uuid), array_agg(n), array_agg(CASE WHEN kept THEN chain WHEN freed THEN 0 END),
               array_agg(step_uuid) FILTER (WHERE kept), array_agg(step_uuid) FILTER (WHERE freed AND NOT kept)
        INTO v_children, v_counts, v_chains, v_kept, v_queued
        FROM ranked;
    END IF;

    IF v_accepted IS NOT NULL THEN
        WITH r AS MATERIALIZED (
            -- Looking a step up in an array costs its length, so it is not done where all are in it.
            SELECT r.*, v_plain IS NOT NULL AND (cardinality(v_plain) = cardinality(p_steps) OR r.step_uuid = ANY (v_plain)) AS plain
            FROM unnest(p_steps, p_claims, p_success, p_results, p_details, p_execution_ms)
                 AS r(step_uuid, claim_no, success, result, details, execution_ms)
            WHERE cardinality(v_accepted) = cardinality(p_steps) OR r.step_uuid = ANY (v_accepted)),
        released AS (
            DELETE FROM tasker.leases l WHERE l.step_uuid = ANY (v_accepted)),
        done AS (
            UPDATE tasker.steps s
            SET state = CASE WHEN r.plain THEN 'complete' WHEN r.success THEN 'enqueued_for_orchestration'
                             ELSE 'enqueued_as_error_for_orchestration' END::tasker.step_state,
                completed_at = CASE WHEN r.plain THEN v_now END,
                last_failure_at = CASE WHEN r.success THEN s.last_failure_at ELSE v_now END,
                updated_at = v_now
            FROM r
            LEFT JOIN LATERAL (SELECT l.claimed_at FROM tasker.leases l WHERE l.step_uuid = r.step_uuid LIMIT 1) l ON true
            WHERE s.step_uuid = r.step_uuid AND s.claim_no = r.claim_no AND s.state = 'in_progress'
            RETURNING s.step_uuid, s.task_uuid, s.claim_no, s.attempts, s.children, l.claimed_at,
                      r.plain, r.success, r.result, r.details, r.execution_ms),
        attempt_rows AS (
            INSERT INTO tasker.step_attempts (task_uuid, step_uuid, claim_no, attempt, success, worker_uuid, execution_ms,
                                              result, details, started_at, recorded_at)
            SELECT d.task_uuid, d.step_uuid, d.claim_no, d.attempts, d.success, p_worker, d.execution_ms,
                   d.result, d.details, d.claimed_at, v_now
            FROM done d),
        children AS (
            UPDATE tasker.steps c
            SET remaining_parents = c.remaining_parents - k.n,
                state = CASE WHEN k.chain > 0 THEN 'in_progress' WHEN k.chain = 0 THEN 'enqueued' ELSE c.state END,
                attempts = c.attempts + ((k.chain > 0) IS TRUE)::int,
                claim_no = c.claim_no + ((k.chain > 0) IS TRUE)::int,
                last_attempted_at = CASE WHEN k.chain > 0 THEN v_now ELSE c.last_attempted_at END,
                updated_at = v_now
            FROM unnest(v_children, v_counts, v_chains) AS k(step_uuid, n, chain)
            WHERE c.step_uuid = k.step_uuid
            RETURNING c.step_uuid, c.task_uuid, c.claim_no, c.attempts, c.template_step_id, c.state, k.chain),
        handed AS (
            INSERT INTO tasker.leases (step_uuid, claim_no, worker_uuid, call_uuid, chain, claimed_at, expires_at, deadline)
            SELECT c.step_uuid, c.claim_no, p_worker, p_call, c.chain,
                   v_now, v_now + p_lease, coalesce(v_now + make_interval(secs => ts.timeout_seconds + 5), 'infinity')
            FROM children c JOIN tasker.template_steps ts USING (template_step_id)
            WHERE c.chain > 0
            ORDER BY c.step_uuid),
        ended AS (
            UPDATE tasker.tasks t
            SET remaining_sinks = t.remaining_sinks - sinks.n,
                state = CASE WHEN t.remaining_sinks = sinks.n AND NOT t.ended_by_hand THEN 'complete' ELSE t.state END,
                completed_at = CASE WHEN t.remaining_sinks = sinks.n AND NOT t.ended_by_hand THEN v_now END,
                final_state = CASE WHEN t.remaining_sinks = sinks.n AND NOT t.ended_by_hand THEN 'complete' END::tasker.task_state,
                updated_at = v_now
            FROM (SELECT d.task_uuid, count(*)::int AS n FROM done d WHERE d.plain AND d.children = '{}' GROUP BY 1) sinks
            WHERE t.task_uuid = sinks.task_uuid
            RETURNING t.task_uuid, t.state),
        left_over AS (
            INSERT INTO tasker.unprocessed_results (task_uuid, step_uuid, claim_no)
            SELECT d.task_uuid, d.step_uuid, d.claim_no FROM done d WHERE NOT d.plain
            UNION ALL
            SELECT DISTINCT d.task_uuid, NULL::uuid, NULL::bigint
            FROM done d JOIN tasker.tasks t USING (task_uuid)
            WHERE d.plain AND (t.failed_steps + t.retrying_steps > 0 OR t.ended_by_hand OR d.task_uuid = ANY (v_batches))
            RETURNING id),
        log AS (
            INSERT INTO tasker.transitions (task_uuid, step_uuid, task_path, step_path, attempt, claim_no, worker_uuid, at)
            SELECT d.task_uuid, d.step_uuid, NULL::tasker.task_state[],
                   CASE WHEN d.plain THEN '{in_progress,enqueued_for_orchestration,complete}'
                        WHEN d.success THEN '{in_progress,enqueued_for_orchestration}'
                        ELSE '{in_progress,enqueued_as_error_for_orchestration}' END::tasker.step_state[],
                   d.attempts, d.claim_no, p_worker, v_now
            FROM done d
            UNION ALL
            SELECT c.task_uuid, c.step_uuid, NULL,
                   CASE c.state WHEN 'in_progress' THEN '{pending,enqueued,in_progress}' ELSE '{pending,enqueued}' END::tasker.step_state[],
                   c.attempts, c.claim_no, CASE c.state WHEN 'in_progress' THEN p_worker END, v_now
            FROM children c
            WHERE c.chain IS NOT NULL
            UNION ALL
            SELECT DISTINCT c.task_uuid, NULL::uuid, '{steps_in_process,evaluating_results,enqueuing_steps,steps_in_process}'::tasker.task_state[],
                   NULL::tasker.step_state[], NULL::int, NULL::bigint, p_worker, v_now
            FROM children c JOIN tasker.tasks t USING (task_uuid)
            -- An operator may have ended all sinks of a task whose other steps go on.
            WHERE c.chain IS NOT NULL AND t.state = 'steps_in_process'
            UNION ALL
            SELECT e.task_uuid, NULL::uuid, '{steps_in_process,evaluating_results,complete}'::tasker.task_state[], NULL::tasker.step_state[],
                   NULL::int, NULL::bigint, p_worker, v_now
            FROM ended e
            WHERE e.state = 'complete')
        SELECT count(*) INTO v_left_over FROM left_over;
        PERFORM tasker.enqueue_steps(v_queued, v_now);
        IF p_events IS NOT NULL THEN
            INSERT INTO tasker.domain_events (namespace, task_uuid, step_uuid, claim_no, event, ready)
            SELECT ts.namespace, s.task_uuid, s.step_uuid, s.claim_no, e.event, NOT r.success OR coalesce(s.step_uuid = ANY (v_plain), false)
            FROM unnest(p_steps, p_claims, p_success, p_events) WITH ORDINALITY AS r(step_uuid, claim_no, success, events, place)
            JOIN tasker.steps s ON s.step_uuid = r.step_uuid AND s.claim_no = r.claim_no
            JOIN tasker.template_steps ts ON ts.template_step_id = s.template_step_id
            CROSS JOIN LATERAL jsonb_array_elements(r.events) WITH ORDINALITY AS e(event, place)
            WHERE r.step_uuid = ANY (v_accepted)
            ORDER BY r.place, e.place;
        END IF;
        RETURN QUERY
        SELECT w.kind, NULL::uuid, NULL::uuid, w.n, NULL::int, NULL::smallint, NULL::int, NULL::text, NULL::uuid, NULL::jsonb, NULL::jsonb,
               NULL::jsonb, NULL::jsonb
        FROM (VALUES ('queued', coalesce(cardinality(v_queued), 0)::bigint), ('left_over', v_left_over::bigint)) AS w(kind, n)
        WHERE w.n > 0;
    END IF;

    IF coalesce(cardinality(v_accepted), 0) < cardinality(p_steps) THEN
        RETURN QUERY
        SELECT CASE WHEN s.state = 'cancelled' THEN 'cancelled' ELSE 'stale' END, r.step_uuid, s.task_uuid, r.claim_no, NULL::int, NULL::smallint,
               NULL::int, NULL::text, NULL::uuid, NULL::jsonb, NULL::jsonb, NULL::jsonb, NULL::jsonb
        FROM unnest(p_steps, p_claims, p_success, p_details) AS r(step_uuid, claim_no, success, details)
        LEFT JOIN tasker.steps s ON s.step_uuid = r.step_uuid
        WHERE r.step_uuid <> ALL (coalesce(v_accepted, '{}'))
          -- Stored by an earlier call, if it is the same: of a lease that was lost there is a row too.
          AND NOT EXISTS (SELECT FROM tasker.step_attempts a
                          WHERE a.task_uuid = s.task_uuid AND a.step_uuid = r.step_uuid AND a.claim_no = r.claim_no AND a.worker_uuid = p_worker
                            AND a.success = r.success AND a.details IS NOT DISTINCT FROM r.details);
        SELECT v_kept || array_agg(l.step_uuid) INTO v_kept
        FROM tasker.leases l
        WHERE l.call_uuid = p_call AND l.worker_uuid = p_worker AND l.step_uuid <> ALL (coalesce(v_kept, '{}'));
        -- What the lost answer had claimed fills the slots that this call asks to fill.
        p_claim := p_claim - coalesce(cardinality(v_kept), 0);
    END IF;
    IF v_kept IS NOT NULL THEN
        RETURN QUERY SELECT 'handed', d.* FROM tasker.describe_claims(v_kept, p_dependency_limit) d;
    END IF;
    IF p_claim > 0 THEN
        v_claimed := tasker.lease_ready_steps(p_worker, p_call, p_namespaces, p_handlers, p_claim, p_lease);
        IF v_claimed IS NOT NULL THEN
            RETURN QUERY SELECT 'claimed', d.* FROM tasker.describe_claims(v_claimed, p_dependency_limit) d;
        END IF;
    END IF;
END
$$;
