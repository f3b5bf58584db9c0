"""Dead letters and staleness, as calls for either client: `client.send(close(entry, action="retry", …))`."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_json

from engine.client.calls import Call, Id, given
from engine.model.wire.dead_letters import (
    DlqAddRequest,
    DlqChange,
    DlqEntry,
    DlqInvestigationQueueEntry,
    DlqInvestigationUpdate,
    DlqStats,
    StalenessMonitoring,
)

_ENTRIES = TypeAdapter(list[DlqEntry])
_STATS = TypeAdapter(list[DlqStats])
_QUEUE = TypeAdapter(list[DlqInvestigationQueueEntry])
_STALENESS = TypeAdapter(list[StalenessMonitoring])


def list_entries(
    *,
    resolution_status: str | None = None,
    namespace: str | None = None,
    template: str | None = None,
    assignee: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Call[list[DlqEntry]]:
    """Dead letters, the newest first."""
    params = given(
        resolution_status=resolution_status, namespace=namespace, template=template, assignee=assignee,
        limit=limit, offset=offset,
    )  # fmt: skip
    return Call("GET", "/v1/dlq", _ENTRIES.validate_json, params)


def entry_of_task(task_uuid: Id) -> Call[DlqEntry]:
    """The open dead letter of a task, else its latest one."""
    return Call("GET", f"/v1/dlq/task/{task_uuid}", DlqEntry.model_validate_json)


def stats() -> Call[list[DlqStats]]:
    """Counts by reason."""
    return Call("GET", "/v1/dlq/stats", _STATS.validate_json)


def queue(*, limit: int = 100) -> Call[list[DlqInvestigationQueueEntry]]:
    """The open dead letters, the most urgent first."""
    return Call("GET", "/v1/dlq/investigation-queue", _QUEUE.validate_json, given(limit=limit))


def staleness(*, limit: int = 100) -> Call[list[StalenessMonitoring]]:
    """How long tasks that wait or run are in their state, the stale ones first."""
    return Call("GET", "/v1/dlq/staleness", _STALENESS.validate_json, given(limit=limit))


def add(
    task_uuid: Id, *, reason: str, actor: str, assignee: str | None = None, dry_run: bool = False
) -> Call[DlqChange]:
    """Put a task among the dead letters by hand."""
    body = DlqAddRequest(reason=reason, actor=actor, assignee=assignee, dry_run=dry_run)
    return Call("POST", f"/v1/dlq/task/{task_uuid}", DlqChange.model_validate_json, content=to_json(body))


def update(entry: Id, **fields: Any) -> Call[DlqChange]:
    """Change a dead letter: the fields of `DlqInvestigationUpdate` that are given."""
    body = DlqInvestigationUpdate.model_validate(fields).model_dump(mode="json", exclude_unset=True)
    return Call("PATCH", f"/v1/dlq/entry/{entry}", DlqChange.model_validate_json, content=to_json(body))
