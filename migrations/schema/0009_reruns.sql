-- Running done steps again, with other inputs or settings, and starting new tasks from the middle of old ones.

-- The way back of steps and tasks that were done. A result that an engine has not looked at yet is taken back like a failure.
INSERT INTO tasker.step_transitions_allowed VALUES
    ('complete', 'pending'), ('resolved_manually', 'pending'), ('enqueued_for_orchestration', 'waiting_for_retry');
INSERT INTO tasker.task_transitions_allowed VALUES ('complete', 'pending'), ('resolved_manually', 'pending');

-- What operators changed of single steps: their inputs, or the settings of their handlers (handler.initialization as a whole).
-- A side that was not changed is NULL. A row is never changed: workers keep settings under its number.
CREATE TABLE tasker.step_edits (
    edit_id          int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    task_uuid        uuid NOT NULL,
    step_uuid        uuid NOT NULL,
    template_step_id int NOT NULL,
    old_inputs       jsonb,
    new_inputs       jsonb,
    old_settings     jsonb,
    new_settings     jsonb,
    actor            text NOT NULL,
    reason           text NOT NULL,
    edited_at        timestamptz NOT NULL);

CREATE INDEX step_edits_step ON tasker.step_edits (step_uuid);

-- The edit whose settings the handler gets in place of the template's.
ALTER TABLE tasker.steps ADD COLUMN settings_edit int;

-- Steps that a decision or an analyzer had created which an operator then ran again: its new run creates steps of its own.
-- They are steps no more; their transitions, attempts and logs stay.
CREATE TABLE tasker.superseded_steps (
    step_uuid        uuid PRIMARY KEY,
    task_uuid        uuid NOT NULL,
    template_step_id int NOT NULL,
    name             text NOT NULL,
    old_state        tasker.step_state NOT NULL,
    superseded_at    timestamptz NOT NULL);

CREATE INDEX superseded_steps_task ON tasker.superseded_steps (task_uuid);

-- Which task was forked from which: step_names are those that the fork began with (none: all that were not done).
CREATE TABLE tasker.forks (
    task_uuid       uuid PRIMARY KEY,
    parent_uuid     uuid NOT NULL,
    step_names      text[] NOT NULL,
    context_edited  boolean NOT NULL,
    idempotency_key text,
    actor           text NOT NULL,
    reason          text NOT NULL,
    forked_at       timestamptz NOT NULL,
    UNIQUE (parent_uuid, idempotency_key));
