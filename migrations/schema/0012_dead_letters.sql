-- Dead letters: tasks that need somebody, why, who cares for them and how it ended; and the limits that templates set on their tasks.

CREATE TYPE tasker.dlq_reason AS ENUM (
    'staleness_timeout', 'max_retries_exceeded', 'dependency_cycle_detected', 'worker_unavailable', 'manual_dlq');

CREATE TYPE tasker.dlq_resolution_status AS ENUM ('pending', 'manually_resolved', 'permanently_failed', 'cancelled');

CREATE TABLE tasker.tasks_dlq (
    dlq_entry_uuid       uuid PRIMARY KEY,
    task_uuid            uuid NOT NULL,
    template_id          int NOT NULL,
    -- Where the task came to rest; of a task that was stale, where it was.
    original_state       tasker.task_state NOT NULL,
    dlq_reason           tasker.dlq_reason NOT NULL,
    -- What the reason, whose words are fixed, does not tell apart.
    cause                text NOT NULL CHECK (cause IN (
        'retries_exhausted', 'permanent_failure', 'worker_lost', 'handler_missing', 'stale', 'by_hand')),
    dlq_timestamp        timestamptz NOT NULL,
    resolution_status    tasker.dlq_resolution_status NOT NULL DEFAULT 'pending',
    resolution_timestamp timestamptz,
    resolution_notes     text,
    resolved_by          text,
    assignee             text,
    task_snapshot        jsonb NOT NULL,
    metadata             jsonb,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    CONSTRAINT resolution_is_dated CHECK ((resolution_status = 'pending') = (resolution_timestamp IS NULL)));

CREATE UNIQUE INDEX tasks_dlq_one_pending ON tasker.tasks_dlq (task_uuid) WHERE resolution_status = 'pending';
CREATE INDEX tasks_dlq_queue ON tasker.tasks_dlq (dlq_reason, dlq_timestamp) WHERE resolution_status = 'pending';
CREATE INDEX tasks_dlq_task ON tasker.tasks_dlq (task_uuid, dlq_timestamp);
CREATE INDEX tasks_dlq_newest ON tasker.tasks_dlq (dlq_timestamp, dlq_entry_uuid);

COMMENT ON COLUMN tasker.tasks.ended_by_hand IS
    'An engine decides when the task is complete: an operator ended a step before its parents, or the task goes on with an open dead letter.';

-- The limits that a template enforces on its tasks: what its author wrote, and what follows from a limit being passed; NULL for none.
CREATE FUNCTION tasker.enforced_limits(p_configuration json) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN (l.minutes <> '{}') AND (l.fails OR l.letters)
                THEN l.minutes || jsonb_build_object('fails', l.fails, 'letters', l.letters,
                                                     'shortest', (SELECT min(m.value::int) FROM jsonb_each_text(l.minutes) AS m)) END
    FROM (SELECT jsonb_strip_nulls(jsonb_build_object(
                     'duration', (c.life ->> 'max_duration_minutes')::int,
                     'waiting_for_dependencies', (c.life ->> 'max_waiting_for_dependencies_minutes')::int,
                     'waiting_for_retry', (c.life ->> 'max_waiting_for_retry_minutes')::int,
                     'steps_in_process', (c.life ->> 'max_steps_in_process_minutes')::int)) AS minutes,
                 coalesce((c.life ->> 'auto_fail_on_timeout')::boolean, coalesce(c.life ->> 'staleness_action', 'dlq') <> 'none') AS fails,
                 coalesce((c.life ->> 'auto_dlq_on_timeout')::boolean, coalesce(c.life ->> 'staleness_action', 'dlq') = 'dlq') AS letters
          FROM (SELECT p_configuration -> 'lifecycle' AS life) c) l
$$;

ALTER TABLE tasker.template_revisions
    ADD COLUMN limits jsonb GENERATED ALWAYS AS (tasker.enforced_limits(configuration)) STORED;

-- One row for every task that has not ended and whose template enforces limits, and for some that have: when to look at it next.
-- Its index moves with it: the table is small, and a row is written once a minute at most.
CREATE TABLE tasker.task_limits (
    task_uuid   uuid PRIMARY KEY,
    -- From when on the limits count: the creation, an operator's resumption, the end of a pause.
    counts_from timestamptz NOT NULL,
    check_at    timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

CREATE INDEX task_limits_due ON tasker.task_limits (check_at);

INSERT INTO tasker.task_limits (task_uuid, counts_from, check_at)
SELECT t.task_uuid, t.created_at, t.created_at
FROM tasker.tasks t JOIN tasker.template_revisions r USING (revision_id)
WHERE t.completed_at IS NULL AND r.limits IS NOT NULL;

-- What the searches for stale tasks did, for metrics.
CREATE TABLE tasker.staleness_totals (
    one          boolean PRIMARY KEY DEFAULT true CHECK (one),
    runs         bigint NOT NULL DEFAULT 0,
    detected     bigint NOT NULL DEFAULT 0,
    failed       bigint NOT NULL DEFAULT 0,
    milliseconds bigint NOT NULL DEFAULT 0);

INSERT INTO tasker.staleness_totals DEFAULT VALUES;

-- A task past its limit, or given up by an operator, ends in error from wherever it is; an operator may then close it.
INSERT INTO tasker.task_transitions_allowed VALUES
    ('waiting_for_dependencies', 'error'), ('waiting_for_retry', 'error'), ('error', 'resolved_manually');
