-- Moves each lane's low mark up to its oldest ready step: what is below are dead rows that a held snapshot keeps. Rows that a
-- transaction still in flight inserted below the mark are found by the next sweep, which looks at all rows again; lanes that somebody
-- else moves are left to it too.
CREATE OR REPLACE FUNCTION tasker.sweep_lanes() RETURNS void
LANGUAGE sql AS $$
    UPDATE tasker.ready_lanes l
    SET low_mark = o.mark
    FROM (SELECT l.namespace, l.priority,
                 least(coalesce((SELECT min(r.ready_at) FROM tasker.ready_steps r
                                 WHERE r.namespace = l.namespace AND r.priority = l.priority AND NOT r.held), 'infinity'),
                       tasker.now() - interval '1 second') AS mark
          FROM tasker.ready_lanes l
          FOR NO KEY UPDATE OF l SKIP LOCKED) o
    WHERE l.namespace = o.namespace AND l.priority = o.priority
      AND (o.mark < l.low_mark OR o.mark > l.low_mark + interval '1 second')
$$;
