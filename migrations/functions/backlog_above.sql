-- How much waits, counted up to p_most and no further: 'ready' steps of each namespace, 'results' that an engine has yet to take, domain
-- 'events' that are not in their queue. Dead rows cost nothing: ready steps are counted above their lane's low mark, the others above
-- p_results and p_events. Where to begin the next time is low_mark: below the oldest that waits. What a transaction still in flight has
-- yet to show may be below it, so whoever asks begins at 0 now and then.
CREATE OR REPLACE FUNCTION tasker.backlog_above(p_most int, p_results bigint, p_events bigint)
RETURNS TABLE (kind text, namespace text, depth int, low_mark bigint)
LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
    SELECT 'ready', l.namespace, least(sum(c.n), p_most)::int, NULL::bigint
    FROM tasker.ready_lanes l
    CROSS JOIN LATERAL (
        SELECT count(*) AS n
        FROM (SELECT FROM tasker.ready_steps r
              WHERE r.namespace = l.namespace AND r.priority = l.priority AND NOT r.held AND r.ready_at >= l.low_mark
              LIMIT p_most) AS few) c
    GROUP BY l.namespace
    HAVING sum(c.n) > 0
    UNION ALL
    SELECT 'results', NULL, count(*)::int, coalesce(min(few.id) - 1, (SELECT s.last_value FROM tasker.unprocessed_results_id_seq s))
    FROM (SELECT u.id FROM tasker.unprocessed_results u WHERE u.id > p_results ORDER BY u.id LIMIT p_most) few
    UNION ALL
    SELECT 'events', NULL, count(*)::int, coalesce(min(few.id) - 1, (SELECT s.last_value FROM tasker.domain_events_id_seq s))
    FROM (SELECT e.id FROM tasker.domain_events e WHERE e.id > p_events ORDER BY e.id LIMIT p_most) few
$$;
