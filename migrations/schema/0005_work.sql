-- Small churned tables: what can be claimed, what is leased, what waits for a timer or for an engine.

-- One row for every step in state enqueued: written by the transaction that makes it ready, deleted by the claim.
CREATE TABLE tasker.ready_steps (
    step_uuid    uuid PRIMARY KEY,
    task_uuid    uuid NOT NULL,
    namespace    text NOT NULL,
    handler      text NOT NULL,
    priority     smallint NOT NULL,
    ready_at     timestamptz NOT NULL,
    -- Why it may not be claimed, added up: 1 its namespace is paused, 2 its template, 4 its task, 8 its batch runs as many
    -- workers as it may, 16 its batch has failed. Then it is in the table, for operators to see, and outside the claims' index.
    holds        smallint NOT NULL DEFAULT 0,
    held         boolean NOT NULL GENERATED ALWAYS AS (holds <> 0) STORED,
    published_at timestamptz,
    -- The message in the namespace's PGMQ queue, which the claim deletes.
    message_id   bigint
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX ready_steps_lane ON tasker.ready_steps (namespace, priority, ready_at) WHERE NOT held;
CREATE INDEX ready_steps_held ON tasker.ready_steps (task_uuid, step_uuid) WHERE held;

-- A lane is a namespace and a priority. Below low_mark it holds nothing but dead rows: a held snapshot keeps those, and
-- without the mark every claim would walk them. Moved by the engine's sweep.
CREATE TABLE tasker.ready_lanes (
    namespace text NOT NULL,
    priority  smallint NOT NULL,
    low_mark  timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (namespace, priority)) WITH (fillfactor = 50);

CREATE TABLE tasker.leases (
    step_uuid   uuid PRIMARY KEY,
    claim_no    bigint NOT NULL,
    worker_uuid uuid NOT NULL,
    -- The call that gave the lease: a submit whose answer was lost is sent again and finds its hand-over by it.
    call_uuid   uuid NOT NULL,
    -- Hand-overs in a row before this one.
    chain       smallint NOT NULL,
    claimed_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    -- Past it the lease is not renewed (the step's time-out plus 5 s).
    deadline    timestamptz NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE tasker.step_retries (
    step_uuid uuid PRIMARY KEY,
    retry_at  timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

CREATE INDEX step_retries_due ON tasker.step_retries (retry_at);

-- What a submit leaves to an engine: step_uuid NULL asks for the task to be evaluated again.
CREATE TABLE tasker.unprocessed_results (
    id        bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    task_uuid uuid NOT NULL,
    step_uuid uuid,
    claim_no  bigint
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

CREATE TABLE tasker.workers (
    worker_uuid       uuid PRIMARY KEY,
    name              text NOT NULL,
    hostname          text NOT NULL,
    pid               int NOT NULL,
    version           text NOT NULL,
    namespaces        text[] NOT NULL,
    handlers          text[] NOT NULL,
    slots             int NOT NULL,
    busy              int NOT NULL DEFAULT 0,
    stuck             int NOT NULL DEFAULT 0,
    state             text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'draining', 'stopped')),
    started_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

-- Handlers that ready steps need and no live worker of the namespace has: what missing_handler_grace counts from.
CREATE TABLE tasker.missing_handlers (
    namespace     text NOT NULL,
    handler       text NOT NULL,
    missing_since timestamptz NOT NULL,
    PRIMARY KEY (namespace, handler));
