-- What an operator has paused: a namespace, a template or a task. Their ready steps are held, what runs goes on to its end.

CREATE TABLE tasker.pauses (
    pause_id    int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    namespace   text REFERENCES tasker.namespaces,
    template_id int REFERENCES tasker.templates,
    task_uuid   uuid,
    actor       text NOT NULL,
    reason      text NOT NULL,
    paused_at   timestamptz NOT NULL,
    CONSTRAINT one_thing CHECK (num_nonnulls(namespace, template_id, task_uuid) = 1),
    UNIQUE NULLS NOT DISTINCT (namespace, template_id, task_uuid));

CREATE INDEX pauses_template ON tasker.pauses (template_id);
CREATE INDEX pauses_task ON tasker.pauses (task_uuid);

ALTER TABLE tasker.namespaces DROP COLUMN paused;
ALTER TABLE tasker.templates DROP COLUMN paused;

-- An operator ended a step of the task before its parents were done: that no sink is left does not mean that nothing runs.
ALTER TABLE tasker.tasks ADD COLUMN ended_by_hand boolean NOT NULL DEFAULT false;
