-- Old tasks leave: what was removed, for metrics, and the way from a task to the key that it was recognised by.

CREATE TABLE tasker.retention_totals (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    tasks      bigint NOT NULL DEFAULT 0,
    partitions bigint NOT NULL DEFAULT 0);

INSERT INTO tasker.retention_totals DEFAULT VALUES;

CREATE INDEX task_identities_task ON tasker.task_identities (task_uuid);
