"""From a filter of the list of tasks to what a bulk operation takes.

The server selects by namespace, template, state, time and kind of failure itself. What only its list can
search (why a step waits, tags, who started a task, a part of a name) is selected by asking the list for all
ids: never by the loaded rows alone.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from engine.model.wire.bulk import MAX_NAMED, BulkFilter
from tasker_tui.client_port import TaskerPort
from tasker_tui.filters import TaskFilter, absolute
from tasker_tui.task_pages import list_query

IDS_PAGE = 500
"""As many as the server gives at once."""


class TooMany(Exception):
    """More tasks fit than can be named one by one; the message says what to do."""


async def select(client: TaskerPort, task_filter: TaskFilter, now: datetime) -> BulkFilter | None:
    """What selects the tasks that fit, None where none does. Raises TooMany, and what the client raises."""
    if not (task_filter.text or task_filter.why or task_filter.tag or task_filter.initiator):
        return BulkFilter(
            namespace=task_filter.namespace,
            template=task_filter.template,
            states=list(task_filter.states),
            signature=task_filter.sig,
            created_since=absolute(task_filter.since, now),
            created_until=absolute(task_filter.until, now),
        )
    found = await _all_ids(client, task_filter, now)
    return BulkFilter(task_uuids=found, signature=task_filter.sig) if found else None


async def _all_ids(client: TaskerPort, task_filter: TaskFilter, now: datetime) -> list[UUID]:
    query, found, before = list_query(task_filter, now), list[UUID](), None
    while True:
        page = await client.list_tasks(**query, before=before, limit=IDS_PAGE, count="none")
        found += [task.task_uuid for task in page.tasks]
        if len(found) > MAX_NAMED:
            raise TooMany(f"more than {MAX_NAMED:,} tasks fit; narrow it, or filter by states and times")
        if len(page.tasks) < IDS_PAGE:
            return found
        before = str(found[-1])
