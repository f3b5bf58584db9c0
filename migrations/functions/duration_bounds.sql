-- Upper bounds in ms of the buckets of durations_by_minute; they may not change while the table holds rows.
CREATE OR REPLACE FUNCTION tasker.duration_bounds() RETURNS int[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY[5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 1800000, 7200000]
$$;
