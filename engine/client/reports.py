"""Reports on one task, as calls for either client: `client.send(summary(task_uuid))`."""

from __future__ import annotations

from engine.client.calls import Call, Id, given
from engine.model.wire.details import TaskLogPage, TransitionPage
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


def logs(
    task_uuid: Id, *, step: str | None = None, level: str | None = None, after: int = 0, limit: int = 1_000
) -> Call[TaskLogPage]:
    """What the steps of a task logged; `step` is a name or an id, `level` the least grave one."""
    params = given(step=step, level=level, after=after, limit=limit)
    return Call("GET", f"/v1/tasks/{task_uuid}/logs", TaskLogPage.model_validate_json, params)


def history(
    task_uuid: Id,
    *,
    step_uuid: Id | None = None,
    actor: str | None = None,
    by_hand: bool = False,
    after: int = 0,
    limit: int = 1_000,
) -> Call[TransitionPage]:
    """What happened to a task and its steps, or what one person, or any, did to them."""
    params = given(step_uuid=step_uuid, actor=actor, by_hand=by_hand or None, after=after, limit=limit)
    return Call("GET", f"/v1/tasks/{task_uuid}/transitions", TransitionPage.model_validate_json, params)
