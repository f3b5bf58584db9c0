-- One run of a template, and its steps. The current state lives on the row; how it got there in transitions.

CREATE TABLE tasker.tasks (
    task_uuid             uuid PRIMARY KEY,
    template_id           int NOT NULL,
    revision_id           int NOT NULL,
    state                 tasker.task_state NOT NULL,
    priority              smallint NOT NULL,
    -- Sinks (steps without children) that are not satisfied; 0 means complete.
    remaining_sinks       int NOT NULL,
    failed_steps          int NOT NULL DEFAULT 0,
    retrying_steps        int NOT NULL DEFAULT 0,
    total_steps           int NOT NULL,
    context               jsonb NOT NULL,
    initiator             text NOT NULL,
    source_system         text NOT NULL,
    reason                text NOT NULL,
    tags                  text[] NOT NULL,
    correlation_id        uuid NOT NULL,
    parent_correlation_id uuid,
    created_at            timestamptz NOT NULL,
    updated_at            timestamptz NOT NULL,
    completed_at          timestamptz,
    -- Set once, together with completed_at: finished tasks are found by it without an index on state.
    final_state           tasker.task_state
) WITH (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_cost_limit = 1000);

CREATE INDEX tasks_template ON tasker.tasks (template_id, task_uuid);
CREATE INDEX tasks_active ON tasker.tasks (task_uuid) WHERE completed_at IS NULL;
CREATE INDEX tasks_ended_badly ON tasker.tasks (final_state, task_uuid) WHERE final_state <> 'complete';
CREATE INDEX tasks_correlation ON tasker.tasks (parent_correlation_id) WHERE parent_correlation_id IS NOT NULL;

CREATE TABLE tasker.steps (
    step_uuid         uuid PRIMARY KEY,
    task_uuid         uuid NOT NULL,
    template_step_id  int NOT NULL,
    name              text NOT NULL,
    state             tasker.step_state NOT NULL,
    priority          smallint NOT NULL,
    remaining_parents int NOT NULL,
    -- Retry policy alone: reset by an operator, not spent by a step given back unstarted.
    attempts          int NOT NULL DEFAULT 0,
    -- The fencing token: grows with every claim, hand-over and completion by hand; never reset.
    claim_no          bigint NOT NULL DEFAULT 0,
    parents           uuid[] NOT NULL,
    children          uuid[] NOT NULL,
    inputs            jsonb,
    checkpoint        jsonb,
    retry_at          timestamptz,
    last_attempted_at timestamptz,
    last_failure_at   timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    completed_at      timestamptz
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_cost_limit = 1000);

CREATE INDEX steps_task ON tasker.steps (task_uuid);

-- Keys by which equal creations are recognised, for as long as the template's time-to-live says.
CREATE TABLE tasker.task_identities (
    template_id  int NOT NULL,
    identity_key bytea NOT NULL,
    task_uuid    uuid NOT NULL,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (template_id, identity_key));
