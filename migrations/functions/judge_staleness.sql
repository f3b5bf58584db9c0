-- How tasks stand with the limits that their template enforces (template_revisions.limits). passed is the limit that is passed (NULL: none):
-- duration, or the state in which the task is for too long; minutes and threshold belong to it. waits says that the limits do not count
-- now: the task is paused, or somebody cares for it as an open dead letter. next_at is when a limit can be passed next.
CREATE OR REPLACE FUNCTION tasker.judge_staleness(p_tasks uuid[], p_now timestamptz)
RETURNS TABLE (task_uuid uuid, namespace text, name text, state tasker.task_state, ended boolean, paused boolean, waits boolean, passed text,
               minutes int, threshold int, fails boolean, letters boolean, next_at timestamptz)
LANGUAGE sql STABLE AS $$
    WITH looked AS (
        SELECT t.task_uuid, p.namespace, p.name, t.state, t.completed_at IS NOT NULL AS ended, r.limits, l.counts_from,
               greatest(l.counts_from, since.at) AS since, (r.limits ->> t.state::text)::int AS allowed,
               (r.limits ->> 'duration')::int AS allowed_in_all, tasker.pause_holds(p.namespace, t.task_uuid) <> 0 AS paused,
               EXISTS (SELECT FROM tasker.tasks_dlq d WHERE d.task_uuid = t.task_uuid AND d.resolution_status = 'pending') AS buried
        FROM tasker.task_limits l
        JOIN tasker.tasks t USING (task_uuid)
        JOIN tasker.template_revisions r USING (revision_id)
        JOIN tasker.templates p ON p.template_id = t.template_id
        CROSS JOIN LATERAL tasker.in_state_since(t.task_uuid) AS since(at)
        WHERE l.task_uuid = ANY (p_tasks))
    SELECT k.task_uuid, k.namespace, k.name, k.state, k.ended, k.paused, k.paused OR k.buried,
           CASE WHEN p_now > k.counts_from + make_interval(mins => k.allowed_in_all) THEN 'duration'
                WHEN p_now > k.since + make_interval(mins => k.allowed) THEN k.state::text END,
           floor(extract(epoch FROM p_now - CASE WHEN p_now > k.counts_from + make_interval(mins => k.allowed_in_all)
                                                 THEN k.counts_from ELSE k.since END) / 60)::int,
           CASE WHEN p_now > k.counts_from + make_interval(mins => k.allowed_in_all) THEN k.allowed_in_all ELSE k.allowed END,
           (k.limits ->> 'fails')::boolean, (k.limits ->> 'letters')::boolean,
           -- Of another state that the task may go to meanwhile, none can be passed before the shortest limit is over. Not later than in
           -- six hours, so that what has ended is forgotten.
           least(k.counts_from + make_interval(mins => k.allowed_in_all), k.since + make_interval(mins => k.allowed),
                 p_now + make_interval(mins => (k.limits ->> 'shortest')::int), p_now + interval '6 hours')
    FROM looked k
$$;
