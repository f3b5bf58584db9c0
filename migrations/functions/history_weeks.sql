-- The weeks for which the history has partitions, by their first moment.
CREATE OR REPLACE FUNCTION tasker.history_weeks() RETURNS SETOF timestamptz
LANGUAGE sql STABLE AS $$
    SELECT to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC'
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'tasker.transitions'::regclass AND c.relname ~ '^transitions_\d{8}$'
    ORDER BY 1
$$;
