-- Domain events: what a step publishes, and those on their way into the queue of their namespace.

-- An array of {name, condition, delivery_mode, publisher, schema}; NULL where the step publishes nothing.
ALTER TABLE tasker.template_steps ADD COLUMN events jsonb;

UPDATE tasker.template_steps s
SET events = declared.events
FROM (SELECT r.revision_id, step ->> 'name' AS name,
             jsonb_agg(jsonb_build_object(
                 'name', e.value ->> 'name', 'condition', coalesce(e.value ->> 'condition', 'success'),
                 'delivery_mode', coalesce(e.value ->> 'delivery_mode', 'durable'),
                 'publisher', e.value ->> 'publisher', 'schema', e.value -> 'schema') ORDER BY e.ordinality) AS events
      FROM tasker.template_revisions r
      CROSS JOIN LATERAL json_array_elements(r.configuration -> 'steps') AS step
      CROSS JOIN LATERAL json_array_elements(step -> 'publishes_events') WITH ORDINALITY AS e
      GROUP BY 1, 2) declared
WHERE s.revision_id = declared.revision_id AND s.name = declared.name;

-- Written in the transaction that stores a step's result, deleted in the one that puts the event into its queue.
CREATE TABLE tasker.domain_events (
    id        bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    namespace text NOT NULL,
    task_uuid uuid NOT NULL,
    step_uuid uuid NOT NULL,
    claim_no  bigint NOT NULL,
    event     jsonb NOT NULL,
    -- False while an engine has yet to say whether the result, a decision or a division into batches, can be carried out.
    ready     boolean NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX domain_events_undecided ON tasker.domain_events (step_uuid, claim_no) WHERE NOT ready;

-- The function has one parameter more now, and CREATE OR REPLACE would make a second one of it.
DROP FUNCTION IF EXISTS tasker.submit_results(
    uuid, uuid, uuid[], bigint[], boolean[], jsonb[], jsonb[], int[], int, int, text[], text[], interval, int, bigint);
