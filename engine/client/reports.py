"""Reports on one task, as calls for either client: `client.send(summary(task_uuid))`."""

from __future__ import annotations

from engine.client.calls import Call, Id, given
from engine.model.wire.reports import TaskSummary, Timeline


def summary(task_uuid: Id) -> Call[TaskSummary]:
    """A task in figures."""
    return Call("GET", f"/v1/tasks/{task_uuid}/summary", TaskSummary.model_validate_json)


def timeline(
    task_uuid: Id, *, after: Id | None = None, limit: int = 1_000, attempts: int = 20
) -> Call[Timeline]:
    """When each step waited and ran."""
    params = given(after=after, limit=limit, attempts=attempts)
    return Call("GET", f"/v1/tasks/{task_uuid}/timeline", Timeline.model_validate_json, params)
