"""The NOTIFY channels that say "look now"; what they say is always found in the database as well."""

READY = "tasker_ready"
"""Steps became claimable. Where a broker outside carries the messages nobody listens to it, see PUBLISH."""

PUBLISH = "tasker_publish"
"""Steps became claimable, and an engine should publish their messages."""

LOOK = "tasker_look"
"""A worker got a message that others may be able to use: all workers should look."""

QUEUED = "pgmq_message_ready"
"""In a queue database of its own: messages were put into queues."""

RESULTS = "tasker_results"
"""A submit left something to the engines."""

BULK = "tasker_bulk"
"""A bulk operation was begun, or goes on."""

TEMPLATES = "tasker_templates"
"""A template was registered or changed."""

DOMAIN_EVENTS = "tasker_domain_events"
"""A submit stored domain events."""
