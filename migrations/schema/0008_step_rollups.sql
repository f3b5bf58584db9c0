-- How long the tasks and the steps of each template took, an hour a row, so that the slowest are found without looking at
-- tasks. Filled by roll_up; counts from this schema on.

CREATE TABLE tasker.durations_by_hour (
    hour        timestamptz NOT NULL,
    template_id int NOT NULL,
    -- The name in the template, which the workers of a batch share; '' is the whole task.
    step        text NOT NULL,
    -- Attempts of a step from claim to submission; tasks from creation to complete or error.
    items       bigint NOT NULL,
    errors      bigint NOT NULL,
    total_ms    bigint NOT NULL,
    max_ms      bigint NOT NULL,
    -- Of tasks: the sum of their steps; 0 for a step.
    steps       bigint NOT NULL,
    last_at     timestamptz NOT NULL,
    PRIMARY KEY (hour, template_id, step)) WITH (fillfactor = 70);
