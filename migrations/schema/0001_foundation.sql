-- The schema, the state names, the clock and the uuids that everything else is written with.

CREATE SCHEMA IF NOT EXISTS tasker;

CREATE TYPE tasker.task_state AS ENUM (
    'pending', 'initializing', 'enqueuing_steps', 'steps_in_process', 'evaluating_results',
    'waiting_for_dependencies', 'waiting_for_retry', 'blocked_by_failures',
    'complete', 'error', 'cancelled', 'resolved_manually');

CREATE TYPE tasker.step_state AS ENUM (
    'pending', 'enqueued', 'in_progress', 'enqueued_for_orchestration',
    'enqueued_as_error_for_orchestration', 'waiting_for_retry',
    'complete', 'error', 'cancelled', 'resolved_manually');

-- The allowed transitions, declared once in the database; engine.model.states says the same in Python and a test compares them.
CREATE TABLE tasker.task_transitions_allowed (
    from_state tasker.task_state NOT NULL,
    to_state   tasker.task_state NOT NULL,
    PRIMARY KEY (from_state, to_state));

CREATE TABLE tasker.step_transitions_allowed (
    from_state tasker.step_state NOT NULL,
    to_state   tasker.step_state NOT NULL,
    PRIMARY KEY (from_state, to_state));

INSERT INTO tasker.task_transitions_allowed
SELECT f::tasker.task_state, t::tasker.task_state
FROM (VALUES
    ('pending', 'initializing'),
    ('initializing', 'enqueuing_steps'), ('initializing', 'complete'), ('initializing', 'waiting_for_dependencies'),
    ('enqueuing_steps', 'steps_in_process'), ('enqueuing_steps', 'error'),
    ('steps_in_process', 'evaluating_results'), ('steps_in_process', 'waiting_for_retry'),
    ('steps_in_process', 'complete'), ('steps_in_process', 'error'),
    ('evaluating_results', 'complete'), ('evaluating_results', 'enqueuing_steps'),
    ('evaluating_results', 'waiting_for_dependencies'), ('evaluating_results', 'blocked_by_failures'),
    ('evaluating_results', 'waiting_for_retry'), ('evaluating_results', 'resolved_manually'),
    ('waiting_for_dependencies', 'evaluating_results'), ('waiting_for_dependencies', 'enqueuing_steps'),
    ('waiting_for_dependencies', 'waiting_for_retry'),
    ('waiting_for_retry', 'enqueuing_steps'), ('waiting_for_retry', 'evaluating_results'),
    ('blocked_by_failures', 'error'), ('blocked_by_failures', 'resolved_manually'),
    ('blocked_by_failures', 'enqueuing_steps'), ('blocked_by_failures', 'waiting_for_retry'),
    ('blocked_by_failures', 'evaluating_results'),
    ('error', 'pending'), ('error', 'enqueuing_steps')) AS pairs(f, t)
UNION
SELECT f, 'cancelled'
FROM unnest(enum_range(NULL::tasker.task_state)) AS f
WHERE f NOT IN ('complete', 'error', 'cancelled', 'resolved_manually');

INSERT INTO tasker.step_transitions_allowed
SELECT f::tasker.step_state, t::tasker.step_state
FROM (VALUES
    ('pending', 'enqueued'), ('enqueued', 'in_progress'), ('pending', 'in_progress'),
    ('in_progress', 'enqueued_for_orchestration'), ('in_progress', 'enqueued_as_error_for_orchestration'),
    ('enqueued_for_orchestration', 'complete'), ('enqueued_for_orchestration', 'error'),
    ('enqueued_as_error_for_orchestration', 'waiting_for_retry'),
    ('enqueued_as_error_for_orchestration', 'error'), ('enqueued_as_error_for_orchestration', 'complete'),
    ('in_progress', 'waiting_for_retry'), ('enqueued', 'waiting_for_retry'), ('pending', 'waiting_for_retry'),
    ('pending', 'error'), ('enqueued', 'error'), ('in_progress', 'error'),
    ('waiting_for_retry', 'pending'), ('error', 'pending')) AS pairs(f, t)
UNION
SELECT f, t
FROM unnest(enum_range(NULL::tasker.step_state)) AS f,
     unnest('{complete,resolved_manually,cancelled}'::tasker.step_state[]) AS t
WHERE f NOT IN ('complete', 'cancelled', 'resolved_manually');

-- Whether every hop of a path is allowed. IMMUTABLE since the tables above change with a migration only.
CREATE FUNCTION tasker.task_path_allowed(p_path tasker.task_state[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT p_path[1] = 'pending' AND cardinality(p_path) = 1
        OR cardinality(p_path) > 1 AND (
            SELECT bool_and(EXISTS (SELECT FROM tasker.task_transitions_allowed a
                                    WHERE a.from_state = p_path[i] AND a.to_state = p_path[i + 1]))
            FROM generate_series(1, cardinality(p_path) - 1) AS i)
$$;

CREATE FUNCTION tasker.step_path_allowed(p_path tasker.step_state[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT p_path[1] = 'pending' AND cardinality(p_path) = 1
        OR cardinality(p_path) > 1 AND (
            SELECT bool_and(EXISTS (SELECT FROM tasker.step_transitions_allowed a
                                    WHERE a.from_state = p_path[i] AND a.to_state = p_path[i + 1]))
            FROM generate_series(1, cardinality(p_path) - 1) AS i)
$$;

-- The one clock. A test moves it with the setting tasker.clock_offset (an interval).
CREATE FUNCTION tasker.now() RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT clock_timestamp() + coalesce(nullif(current_setting('tasker.clock_offset', true), '')::interval, interval '0')
$$;

-- Time-ordered uuids: native from PostgreSQL 18 on, made of a random one before.
DO $do$
BEGIN
    IF current_setting('server_version_num')::int >= 180000 THEN
        CREATE FUNCTION tasker.uuid7() RETURNS uuid
        LANGUAGE sql VOLATILE PARALLEL SAFE AS 'SELECT uuidv7()';
    ELSE
        CREATE FUNCTION tasker.uuid7() RETURNS uuid
        LANGUAGE sql VOLATILE PARALLEL SAFE AS $f$
            SELECT encode(
                set_bit(set_bit(
                    overlay(uuid_send(gen_random_uuid())
                            PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                            FROM 1 FOR 6),
                    52, 1), 53, 1), 'hex')::uuid
        $f$;
    END IF;
END
$do$;

-- The smallest uuid of an instant: where a time partition begins.
CREATE FUNCTION tasker.uuid7_floor(p_at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
