-- What can be run: namespaces, templates, their revisions, and the compiled steps of each revision.

CREATE TABLE tasker.namespaces (
    name        text PRIMARY KEY,
    description text,
    -- The PGMQ queue of this database that carries its messages; NULL when another broker does.
    queue_name  text,
    paused      boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp());

CREATE TABLE tasker.templates (
    template_id       int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    namespace         text NOT NULL REFERENCES tasker.namespaces,
    name              text NOT NULL,
    version           text NOT NULL,
    description       text,
    identity_strategy text NOT NULL CHECK (identity_strategy IN ('strict', 'caller_provided', 'always_unique')),
    identity_ttl      interval,
    -- The revision that new tasks are created from.
    revision_id       int,
    paused            boolean NOT NULL DEFAULT false,
    created_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (namespace, name, version));

CREATE TABLE tasker.template_revisions (
    revision_id   int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    template_id   int NOT NULL REFERENCES tasker.templates,
    content_hash  text NOT NULL,
    environment   text NOT NULL,
    -- As it was written: jsonb would put the properties of a schema in another order, and forms with them.
    configuration json NOT NULL,
    -- Of the steps that a new task has at once: how many, and how many of them without children.
    initial_steps int NOT NULL,
    initial_sinks int NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (template_id, content_hash, environment));

ALTER TABLE tasker.templates ADD FOREIGN KEY (revision_id) REFERENCES tasker.template_revisions;

-- Positions are 0-based and topological: a parent's position is smaller than its child's.
CREATE TABLE tasker.template_steps (
    template_step_id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    revision_id      int NOT NULL REFERENCES tasker.template_revisions,
    position         int NOT NULL,
    name             text NOT NULL,
    description      text,
    namespace        text NOT NULL,
    step_type        text NOT NULL,
    handler          text NOT NULL,
    method           text NOT NULL,
    resolver         text,
    initialization   jsonb NOT NULL,
    parents          int[] NOT NULL,
    children         int[] NOT NULL,
    ancestors        int[] NOT NULL,
    retryable        boolean NOT NULL,
    max_attempts     int NOT NULL,
    backoff          text NOT NULL,
    backoff_base_ms  int NOT NULL,
    max_backoff_ms   int NOT NULL,
    timeout_seconds  int,
    created_at_start boolean NOT NULL,
    -- Of a batch worker: how many instances may run at once, and what one that failed means for the others.
    parallelism      int,
    failure_strategy text,
    UNIQUE (revision_id, position));
