-- Calls to the outside when a task fails or becomes a dead letter: who is called, and every call with what became of it.

CREATE TABLE tasker.webhooks (
    webhook_uuid uuid PRIMARY KEY,
    url          text NOT NULL,
    events       text[] NOT NULL,
    -- Only tasks of this namespace, and of its templates of this name; NULL: of all.
    namespace    text,
    template     text,
    description  text,
    -- What calls are signed with. Written by the API, read by the engine that sends, shown to nobody.
    secret       text NOT NULL,
    enabled      boolean NOT NULL DEFAULT true,
    created_by   text NOT NULL,
    updated_by   text NOT NULL,
    reason       text NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (url, namespace, template));

-- An outbox: written by the transaction in which the thing happens, sent by an engine afterwards, kept as a log for a while.
CREATE TABLE tasker.webhook_deliveries (
    delivery_uuid uuid PRIMARY KEY,
    -- No foreign key: a webhook that is being removed must not keep a task from failing. What is left over is dropped with its age.
    webhook_uuid  uuid NOT NULL,
    event         text NOT NULL,
    task_uuid     uuid,
    payload       jsonb NOT NULL,
    state         text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts      int NOT NULL DEFAULT 0,
    -- When to send it next; while an engine sends it, when another one may.
    next_at       timestamptz,
    -- One object an attempt, oldest first: at, status, error, response (the beginning of it), milliseconds.
    log           jsonb NOT NULL DEFAULT '[]',
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT pending_is_dated CHECK ((state = 'pending') = (next_at IS NOT NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

CREATE INDEX webhook_deliveries_due ON tasker.webhook_deliveries (webhook_uuid, next_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_newest ON tasker.webhook_deliveries (webhook_uuid, delivery_uuid);
CREATE INDEX webhook_deliveries_old ON tasker.webhook_deliveries (created_at);
