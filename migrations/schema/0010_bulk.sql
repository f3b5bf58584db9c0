-- Operators' verbs on many tasks: what was selected, and what became of each.

CREATE TABLE tasker.bulk_operations (
    -- The token that a preview answers.
    bulk_uuid      uuid PRIMARY KEY,
    verb           text NOT NULL,
    -- As it was asked for.
    filter         jsonb NOT NULL,
    -- The states of steps that the verb acts on; empty where it acts on tasks.
    step_states    tasker.step_state[] NOT NULL,
    -- What steps are given that are skipped or completed.
    result         jsonb,
    -- What was counted when the items were selected.
    preview        jsonb NOT NULL,
    state          text NOT NULL DEFAULT 'previewed' CHECK (state IN ('previewed', 'running', 'stopped', 'complete')),
    items          int NOT NULL,
    done           int NOT NULL DEFAULT 0,
    skipped        int NOT NULL DEFAULT 0,
    failed         int NOT NULL DEFAULT 0,
    -- Items are worked off in the order of their numbers: those below it have an outcome.
    next_number    int NOT NULL DEFAULT 1,
    -- Up to this number items are taken one at a time: one of them made its batch fail.
    singly_until   int NOT NULL DEFAULT 0,
    -- Items a second; NULL: as fast as it goes.
    rate           double precision CHECK (rate > 0),
    -- When the next item may be taken.
    due_at         timestamptz NOT NULL DEFAULT 'infinity',
    actor          text,
    reason         text,
    created_at     timestamptz NOT NULL,
    -- Until when it can be run.
    expires_at     timestamptz NOT NULL,
    started_at     timestamptz,
    -- Since when, and from which item on, it has been running without a stop.
    resumed_at     timestamptz,
    resumed_number int,
    stopped_at     timestamptz,
    stopped_by     text,
    stop_reason    text,
    finished_at    timestamptz
) WITH (fillfactor = 50);

CREATE INDEX bulk_operations_running ON tasker.bulk_operations (bulk_uuid) WHERE state = 'running';

CREATE TABLE tasker.bulk_items (
    bulk_uuid   uuid NOT NULL,
    -- From 1 on, the oldest task first.
    number      int NOT NULL,
    task_uuid   uuid NOT NULL,
    -- NULL where the verb acts on tasks.
    step_uuid   uuid,
    outcome     text CHECK (outcome IN ('done', 'skipped', 'failed')),
    -- Why it was skipped or failed.
    message     text,
    finished_at timestamptz,
    PRIMARY KEY (bulk_uuid, number)
) WITH (fillfactor = 70);
