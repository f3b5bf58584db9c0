-- What lists of tasks are filtered by. Neither column ever changes: together they cost 70 to 200 bytes of WAL a creation, nothing later.
CREATE INDEX tasks_own_correlation ON tasker.tasks (correlation_id);
CREATE INDEX tasks_tags ON tasker.tasks USING gin (tags) WITH (fastupdate = off) WHERE tags <> '{}';

-- Tasks that are blocked by failures are found by their failed steps.
CREATE INDEX failed_steps_task ON tasker.failed_steps (task_uuid);
