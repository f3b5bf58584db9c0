-- Why steps that have not ended are where they are, in data and in a sentence. One row a step; a step that has ended has none.
-- p_brief: for many tasks at once. Messages are cut, and nobody counts what is queued before a step: that takes a walk through the queue.
-- kind: parents, failed_parent, retry, paused, batch_limit, batch_failed, no_worker, no_handler, queued, running, engine, failed.
CREATE OR REPLACE FUNCTION tasker.explain_steps(p_steps uuid[], p_alive interval, p_brief boolean)
RETURNS TABLE (task_uuid uuid, step_uuid uuid, name text, state tasker.step_state, kind text, sentence text, data jsonb)
LANGUAGE sql STABLE AS $$
    WITH live AS (
        SELECT w.namespaces, w.handlers, w.name FROM tasker.workers w
        WHERE w.state = 'running' AND w.last_heartbeat_at > tasker.now() - p_alive),
    steps AS (
        SELECT s.*, ts.namespace, ts.handler, ts.max_attempts
        FROM tasker.steps s JOIN tasker.template_steps ts USING (template_step_id)
        WHERE s.step_uuid = ANY (p_steps) AND s.state NOT IN ('complete', 'resolved_manually', 'cancelled')),
    facts AS (
        SELECT s.step_uuid,
               CASE
                   WHEN s.state = 'error' THEN jsonb_build_object(
                       'kind', 'failed', 'attempts', s.attempts, 'max_attempts', s.max_attempts,
                       'error_type', a.error_type, 'message', a.message)
                   WHEN s.state = 'waiting_for_retry' THEN jsonb_build_object(
                       'kind', 'retry', 'retry_at', s.retry_at, 'seconds', round(extract(epoch FROM s.retry_at - tasker.now())::numeric, 1),
                       'attempts', s.attempts, 'max_attempts', s.max_attempts, 'message', a.message)
                   WHEN s.state = 'pending' THEN (
                       SELECT jsonb_build_object(
                           'kind', CASE WHEN bool_or(p.state = 'error') THEN 'failed_parent' ELSE 'parents' END,
                           'parents', jsonb_agg(jsonb_build_object('name', p.name, 'state', p.state) ORDER BY p.state = 'error' DESC, p.name))
                       FROM tasker.steps p
                       WHERE p.step_uuid = ANY (s.parents) AND p.state NOT IN ('complete', 'resolved_manually'))
                   WHEN s.state = 'in_progress' THEN jsonb_build_object(
                       'kind', 'running', 'worker_uuid', l.worker_uuid, 'worker', (SELECT w.name FROM tasker.workers w WHERE w.worker_uuid = l.worker_uuid),
                       'since', l.claimed_at, 'lease_until', l.expires_at)
                   WHEN s.state <> 'enqueued' THEN jsonb_build_object('kind', 'engine')
                   WHEN r.holds & 7 <> 0 THEN jsonb_build_object('kind', 'paused', 'what', CASE WHEN r.holds & 1 <> 0 THEN 'namespace ' || s.namespace
                       WHEN r.holds & 2 <> 0 THEN 'template' ELSE 'task' END)
                   WHEN r.holds & 16 <> 0 THEN jsonb_build_object('kind', 'batch_failed')
                   WHEN r.holds & 8 <> 0 THEN jsonb_build_object('kind', 'batch_limit')
                   WHEN NOT EXISTS (SELECT FROM live WHERE s.namespace = ANY (live.namespaces)) THEN
                       jsonb_build_object('kind', 'no_worker', 'namespace', s.namespace)
                   WHEN NOT EXISTS (SELECT FROM live WHERE s.namespace = ANY (live.namespaces) AND s.handler = ANY (live.handlers)) THEN
                       jsonb_build_object('kind', 'no_handler', 'namespace', s.namespace, 'handler', s.handler)
                   ELSE jsonb_build_object('kind', 'queued', 'namespace', s.namespace, 'ready_at', r.ready_at, 'ahead', CASE WHEN NOT p_brief THEN (
                       SELECT count(*) FROM (
                           SELECT FROM tasker.ready_steps o
                           WHERE o.namespace = r.namespace AND NOT o.held AND o.priority >= r.priority
                             AND o.ready_at - o.priority * interval '1 minute' < r.ready_at - r.priority * interval '1 minute'
                           LIMIT 10000) before) END)
               END AS data
        FROM steps s
        LEFT JOIN tasker.ready_steps r ON r.step_uuid = s.step_uuid
        LEFT JOIN tasker.leases l ON l.step_uuid = s.step_uuid
        LEFT JOIN LATERAL (
            SELECT left(a.details ->> 'error_type', v.letters) AS error_type, left(a.details ->> 'message', v.letters) AS message
            FROM tasker.step_attempts a, (SELECT CASE WHEN p_brief THEN 200 ELSE 2147483647 END AS letters) v
            WHERE s.state IN ('error', 'waiting_for_retry') AND a.task_uuid = s.task_uuid AND a.step_uuid = s.step_uuid AND NOT a.success
            ORDER BY a.claim_no DESC LIMIT 1) a ON true)
    SELECT s.task_uuid, s.step_uuid, s.name, s.state, f.data ->> 'kind',
           CASE f.data ->> 'kind'
               WHEN 'failed' THEN format('failed for good after %s of %s attempts: %s: %s', f.data ->> 'attempts', f.data ->> 'max_attempts',
                                         f.data ->> 'error_type', f.data ->> 'message')
               WHEN 'retry' THEN format('retry in %s s (attempt %s of %s): %s', greatest((f.data ->> 'seconds')::numeric, 0), s.attempts + 1,
                                        f.data ->> 'max_attempts', f.data ->> 'message')
               WHEN 'failed_parent' THEN 'blocked by ' || parents.list
               WHEN 'parents' THEN 'waits for ' || parents.list
               WHEN 'running' THEN format('runs on worker %s, leased until %s', coalesce(f.data ->> 'worker', f.data ->> 'worker_uuid'),
                                          to_char((f.data ->> 'lease_until')::timestamptz AT TIME ZONE 'UTC', 'HH24:MI:SS "UTC"'))
               WHEN 'engine' THEN 'its result waits for an engine'
               WHEN 'paused' THEN format('the %s is paused', f.data ->> 'what')
               WHEN 'batch_failed' THEN 'another worker of its batch has failed, and the batch fails fast'
               WHEN 'batch_limit' THEN 'its batch runs as many workers as it may'
               WHEN 'no_worker' THEN format('no live worker serves the namespace %s', s.namespace)
               WHEN 'no_handler' THEN format('no live worker of the namespace %s has the handler %s', s.namespace, s.handler)
               WHEN 'queued' THEN 'queued in ' || s.namespace || coalesce(', ' || (f.data ->> 'ahead') || ' ahead', '')
           END,
           f.data - 'kind'
    FROM steps s
    JOIN facts f USING (step_uuid)
    LEFT JOIN LATERAL (
        SELECT string_agg(format('%s (%s)', p ->> 'name', p ->> 'state'), ', ') AS list
        FROM (SELECT p FROM jsonb_array_elements(f.data -> 'parents') AS p LIMIT 5) few) parents ON true
    ORDER BY s.step_uuid
$$;
