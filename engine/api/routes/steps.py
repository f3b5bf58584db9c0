"""`/v1/tasks/{task}/workflow_steps`: steps, what operators do to them, their audit and logs."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from engine.api.answers import answer, answer_list, documented
from engine.api.bodies import parse_union, read_json
from engine.api.errors import ApiProblem, bad_payload, not_found
from engine.api.parameters import MAX_ID
from engine.api.services import Api
from engine.messaging.channels import READY
from engine.model.payload import PayloadRejected, dump_json
from engine.model.wire.details import LogPage, StepDetail
from engine.model.wire.requests import CompleteManually, ResetForRetry, ResolveManually, Skip, StepAction
from engine.model.wire.tasks import StepAuditResponse
from engine.store.logs import step_log
from engine.store.pool import Connection, retry_deadlock, transaction
from engine.store.steps import (
    ByHand,
    OutcomeRefused,
    complete_step,
    get_step,
    list_steps,
    reset_step,
    step_audit,
)
from engine.store.tasks import task_exists

router = APIRouter(prefix="/v1/tasks/{task_uuid}/workflow_steps", tags=["steps"])

ACTION: TypeAdapter[ResetForRetry | ResolveManually | CompleteManually | Skip] = TypeAdapter(StepAction)
ACTION_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        {"$ref": f"#/components/schemas/{model.__name__}"}
                        for model in (ResetForRetry, ResolveManually, CompleteManually, Skip)
                    ],
                    "discriminator": {"propertyName": "action_type"},
                }
            }
        },
    }
}


@router.get("", response_class=Response, responses=documented(400, 404, ok=list[StepDetail]))
async def read_steps(task_uuid: UUID, api: Api) -> Response:
    """The steps of a task, in the order of its plan."""
    async with api.database.acquire() as conn:
        steps = await list_steps(conn, task_uuid)
        if not steps and not await task_exists(conn, task_uuid):
            raise not_found(f"task {task_uuid}")
    return answer_list(steps)


@router.get("/{step_uuid}", response_class=Response, responses=documented(400, 404, ok=StepDetail))
async def read_step(task_uuid: UUID, step_uuid: UUID, api: Api) -> Response:
    """One step."""
    async with api.database.acquire() as conn:
        return answer(await _step(conn, task_uuid, step_uuid))


async def _step(conn: Connection, task_uuid: UUID, step_uuid: UUID) -> StepDetail:
    step = await get_step(conn, task_uuid, step_uuid)
    if step is None:
        raise not_found(f"step {step_uuid} of task {task_uuid}")
    return step


@router.patch(
    "/{step_uuid}",
    response_class=Response,
    responses=documented(400, 404, 415, 422, ok=StepDetail),
    openapi_extra=ACTION_BODY,
)
async def act_on_step(task_uuid: UUID, step_uuid: UUID, request: Request, api: Api) -> Response:
    """Reset a step for retry, resolve, skip or complete it by hand. Its task goes on by itself."""
    action = parse_union(ACTION, StepAction, await read_json(request))
    async with api.database.acquire() as conn:
        await _step(conn, task_uuid, step_uuid)
        try:
            step = await retry_deadlock(lambda: _acted_on(conn, task_uuid, step_uuid, action))
        except OutcomeRefused as error:
            raise ApiProblem(400, str(error)) from None
    if not action.dry_run:
        api.notifier.wake(READY)
    return answer(step)


async def _acted_on(conn: Connection, task_uuid: UUID, step_uuid: UUID, action: Any) -> StepDetail:
    """The step as it is after the action, which a dry run undoes."""
    async with transaction(conn, undo=action.dry_run):
        done = await _act(conn, task_uuid, step_uuid, action)
        if not done.done:
            raise ApiProblem(400, _why_not(action, done))
        return await _step(conn, task_uuid, step_uuid)


async def _act(conn: Connection, task_uuid: UUID, step_uuid: UUID, action: Any) -> ByHand:
    if isinstance(action, ResetForRetry):
        return await reset_step(conn, step_uuid, action.reset_by, action.reason)
    if isinstance(action, ResolveManually):
        return await complete_step(
            conn, task_uuid, step_uuid, action.resolved_by, action.reason, "resolved_manually"
        )
    if isinstance(action, Skip):
        result = None if action.result is None else _stored("result", action.result)
        return await complete_step(
            conn, task_uuid, step_uuid, action.skipped_by, action.reason, "resolved_manually", result=result
        )
    data = action.completion_data
    return await complete_step(
        conn, task_uuid, step_uuid, action.completed_by, action.reason, "complete",
        result=_stored("completion_data.result", data.result),
        details=None if data.metadata is None
        else _stored("completion_data.metadata", {"metadata": data.metadata}),
    )  # fmt: skip


def _stored(where: str, value: Any) -> str:
    try:
        return dump_json(value)
    except PayloadRejected as error:
        raise bad_payload(where, error) from None


def _why_not(action: Any, done: ByHand) -> str:
    if isinstance(action, ResetForRetry):
        return (
            f"the step is {done.old_state}; only one in error or waiting_for_retry, of a task that has not "
            "ended, can be reset"
        )
    return f"the step is {done.old_state}, or its task has ended: there is nothing to complete"


@router.get(
    "/{step_uuid}/audit", response_class=Response, responses=documented(400, 404, ok=list[StepAuditResponse])
)
async def read_audit(task_uuid: UUID, step_uuid: UUID, api: Api) -> Response:
    """Every stored result of a step, the newest first."""
    async with api.database.acquire() as conn:
        audit = await step_audit(conn, task_uuid, step_uuid)
        if not audit:
            await _step(conn, task_uuid, step_uuid)
    return answer_list(audit)


@router.get("/{step_uuid}/logs", response_class=Response, responses=documented(400, 404, ok=LogPage))
async def read_logs(
    task_uuid: UUID,
    step_uuid: UUID,
    api: Api,
    attempt: Annotated[int | None, Query(ge=0)] = None,
    after: Annotated[int, Query(ge=0, le=MAX_ID, description="Only lines with a higher id")] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
) -> Response:
    """What a step's handler logged and printed, oldest first."""
    async with api.database.acquire() as conn:
        page = await step_log(conn, task_uuid, step_uuid, attempt=attempt, after=after, limit=limit)
        if not page.lines:
            await _step(conn, task_uuid, step_uuid)
    return answer(page)
