-- Counters of what happened, rolled up from the transition log so that metrics never count on request.

-- Hops from state to state. A minute's row, and one of minute '-infinity' that is the sum over all time: metrics read
-- those, and old minutes can be dropped. from_state '' is a task's creation.
CREATE TABLE tasker.hops_by_minute (
    minute      timestamptz NOT NULL,
    template_id int NOT NULL,
    entity      text NOT NULL CHECK (entity IN ('task', 'step')),
    from_state  text NOT NULL,
    to_state    text NOT NULL,
    hops        bigint NOT NULL,
    PRIMARY KEY (minute, template_id, entity, from_state, to_state)) WITH (fillfactor = 70);

-- How long tasks took from creation to completion and attempts from claim to submission: bucket n counts what was at most
-- tasker.duration_bounds()[n] ms and more than the bound before; the bucket past the last bound has no upper one.
CREATE TABLE tasker.durations_by_minute (
    minute      timestamptz NOT NULL,
    template_id int NOT NULL,
    entity      text NOT NULL CHECK (entity IN ('task', 'step')),
    bucket      smallint NOT NULL,
    items       bigint NOT NULL,
    total_ms    bigint NOT NULL,
    PRIMARY KEY (minute, template_id, entity, bucket)) WITH (fillfactor = 70);

-- How far the roll-up is: every transaction below upto has been counted, and every row of those that are not is above floor_id.
-- mark_* is the next such pair, good as soon as no transaction below mark_xid runs any more.
CREATE TABLE tasker.rollup_state (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    upto     xid8 NOT NULL,
    floor_id bigint NOT NULL,
    mark_xid xid8 NOT NULL,
    mark_id  bigint NOT NULL);

-- From the beginning: what a database holds already is counted by the first roll-up.
INSERT INTO tasker.rollup_state (upto, floor_id, mark_xid, mark_id) VALUES ('0', 0, '0', 0);
