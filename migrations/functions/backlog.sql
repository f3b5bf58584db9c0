-- As backlog_above without its marks, for engines of the previous release.
-- How much waits, counted up to p_most and no further: 'ready' steps of each namespace, 'results' that an engine has yet to take, domain
-- 'events' that are not in their queue. Ready steps are counted above their lane's low mark, so dead rows cost nothing.
CREATE OR REPLACE FUNCTION tasker.backlog(p_most int) RETURNS TABLE (kind text, namespace text, depth int)
LANGUAGE sql STABLE AS $$
    SELECT 'ready', l.namespace, least(sum(c.n), p_most)::int
    FROM tasker.ready_lanes l
    CROSS JOIN LATERAL (
        SELECT count(*) AS n
        FROM (SELECT FROM tasker.ready_steps r
              WHERE r.namespace = l.namespace AND r.priority = l.priority AND NOT r.held AND r.ready_at >= l.low_mark
              LIMIT p_most) AS few) c
    GROUP BY l.namespace
    HAVING sum(c.n) > 0
    UNION ALL
    SELECT 'results', NULL, count(*)::int FROM (SELECT FROM tasker.unprocessed_results LIMIT p_most) AS few
    UNION ALL
    SELECT 'events', NULL, count(*)::int FROM (SELECT FROM tasker.domain_events LIMIT p_most) AS few
$$;
