-- Steps of namespaces whose queue is not in this database (namespaces.queue_name IS NULL): an engine sends their messages after commit.
-- sent_at says that one has taken it on, published_at that the broker has confirmed it.

ALTER TABLE tasker.ready_steps ADD COLUMN sent_at timestamptz;

-- What is sent in the transaction has its published_at from the start and is never in here.
CREATE INDEX ready_steps_unpublished ON tasker.ready_steps (ready_at) WHERE published_at IS NULL AND NOT held;
