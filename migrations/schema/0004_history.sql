-- What happened, append-only: the transition log, the attempts (which hold the results and are the audit), the logs.
-- Partitioned by the time inside task_uuid, so that a task's whole history leaves with its partition.

-- A row is the path that one transaction took an entity through: step_uuid NULL and task_path, or step_path.
CREATE TABLE tasker.transitions (
    id          bigint NOT NULL GENERATED ALWAYS AS IDENTITY (CACHE 1),
    task_uuid   uuid NOT NULL,
    step_uuid   uuid,
    task_path   tasker.task_state[],
    step_path   tasker.step_state[],
    attempt     int,
    claim_no    bigint,
    worker_uuid uuid,
    actor       text,
    reason      text,
    xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at          timestamptz NOT NULL,
    CONSTRAINT one_entity CHECK (num_nonnulls(task_path, step_path) = 1 AND (step_uuid IS NULL) = (step_path IS NULL)),
    -- The paths of the hot path are compared first: looking every hop up costs more than the insert.
    CONSTRAINT task_path_allowed CHECK (task_path IS NULL OR task_path IN (
        '{steps_in_process,evaluating_results,enqueuing_steps,steps_in_process}',
        '{steps_in_process,evaluating_results,complete}',
        '{pending,initializing,enqueuing_steps,steps_in_process}') OR tasker.task_path_allowed(task_path)),
    CONSTRAINT step_path_allowed CHECK (step_path IS NULL OR step_path IN (
        '{pending}', '{in_progress,enqueued_for_orchestration,complete}', '{pending,enqueued,in_progress}',
        '{pending,enqueued}', '{enqueued,in_progress}') OR tasker.step_path_allowed(step_path))
) PARTITION BY RANGE (task_uuid);

CREATE INDEX transitions_id ON tasker.transitions (id);
CREATE INDEX transitions_task ON tasker.transitions (task_uuid, id);

-- One row a submission (a worker's, a lost lease's, an operator's). A step's result is the row with its current claim_no.
CREATE TABLE tasker.step_attempts (
    task_uuid    uuid NOT NULL,
    step_uuid    uuid NOT NULL,
    claim_no     bigint NOT NULL,
    attempt      int NOT NULL,
    success      boolean NOT NULL,
    worker_uuid  uuid,
    execution_ms int,
    -- The handler's own data.
    result       jsonb,
    -- What a plain success does not have: error, custom metadata, retry hint, headers.
    details      jsonb,
    started_at   timestamptz,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (task_uuid, step_uuid, claim_no)
) PARTITION BY RANGE (task_uuid);

CREATE TABLE tasker.step_logs (
    task_uuid   uuid NOT NULL,
    step_uuid   uuid NOT NULL,
    claim_no    bigint NOT NULL,
    id          bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    attempt     int NOT NULL,
    level       text NOT NULL,
    logger      text,
    message     text NOT NULL,
    at          timestamptz NOT NULL,
    xid         xid8 NOT NULL DEFAULT pg_current_xact_id()
) PARTITION BY RANGE (task_uuid);

CREATE INDEX step_logs_step ON tasker.step_logs (task_uuid, step_uuid, id);

CREATE TABLE tasker.transitions_default PARTITION OF tasker.transitions DEFAULT;
CREATE TABLE tasker.step_attempts_default PARTITION OF tasker.step_attempts DEFAULT;
CREATE TABLE tasker.step_logs_default PARTITION OF tasker.step_logs DEFAULT;
