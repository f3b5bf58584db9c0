"""`/v1/tasks`: create, list, read, cancel, history."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from engine.api.answers import JSON, answer, documented, json_body
from engine.api.bodies import BULK_LIMIT, parse, read_json
from engine.api.creation import Prepared, already_there, created_answer, prepare
from engine.api.errors import ApiProblem, bad_body, not_found, unexpected
from engine.api.parameters import MAX_ID
from engine.api.services import Api, Services, services_of
from engine.model.states import TaskState
from engine.model.wire.details import TransitionPage
from engine.model.wire.requests import (
    BulkCreateRequest,
    BulkCreateResponse,
    BulkItemResult,
    CreatedTask,
    TaskRequest,
)
from engine.model.wire.tasks import TaskResponse
from engine.store.pool import Connection, retry_deadlock, transaction
from engine.store.tasks import Creation, cancel_tasks, get_task, task_exists
from engine.store.transitions import task_history

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])

BREATHER = 50
"""Items of a bulk creation that are checked before other requests get their turn."""


@router.post(
    "",
    status_code=201,
    response_class=Response,
    responses=documented(400, 404, 409, 413, 415, 422, 503, created=TaskResponse),
    openapi_extra=json_body(TaskRequest),
)
async def create_task(request: Request) -> Response:
    """Create a task; its first steps are with the workers when this answers."""
    api = services_of(request)
    api.pressure.admit()
    prepared = await prepare(api.revisions, parse(TaskRequest, await read_json(request)))
    api.pressure.admit(prepared.revision.namespace)
    creation = await api.batcher.create(prepared.task)
    if not creation.created:
        raise already_there(prepared, creation.task_uuid)
    return Response(created_answer(prepared, creation), 201, media_type=JSON)


@router.post(
    "/bulk",
    response_class=Response,
    responses=documented(400, 413, 415, 422, 503, ok=BulkCreateResponse),
    openapi_extra=json_body(BulkCreateRequest),
)
async def create_tasks(request: Request, api: Api) -> Response:
    """Create many tasks in one transaction; each has an answer of its own, in the order of the request."""
    api.pressure.admit()
    items = parse(BulkCreateRequest, await read_json(request, BULK_LIMIT)).tasks
    results: list[BulkItemResult | None] = [None] * len(items)
    good: list[tuple[int, Prepared]] = []
    for index, item in enumerate(items):
        try:
            good.append((index, await _prepare_item(api, item)))
        except ApiProblem as problem:
            results[index] = _refused(index, problem)
        if index % BREATHER == BREATHER - 1:
            await asyncio.sleep(0)
    if good:
        answers = await api.batcher.create_all([prepared.task for _, prepared in good])
        for (index, prepared), one in zip(good, answers, strict=True):
            results[index] = _item_result(index, prepared, one)
    return answer(BulkCreateResponse(results=[one for one in results if one is not None]))


async def _prepare_item(api: Services, item: Any) -> Prepared:
    try:
        request = TaskRequest.model_validate(item)
    except ValidationError as error:
        raise bad_body(error, TaskRequest) from None
    prepared = await prepare(api.revisions, request)
    api.pressure.admit(prepared.revision.namespace)
    return prepared


def _item_result(index: int, prepared: Prepared, one: Creation | Exception) -> BulkItemResult:
    if isinstance(one, Exception):
        return _refused(index, unexpected(one))
    if not one.created:
        return _refused(index, already_there(prepared, one.task_uuid))
    task = CreatedTask(
        task_uuid=one.task_uuid,
        name=prepared.revision.name,
        namespace=prepared.revision.namespace,
        version=prepared.revision.version,
        status=TaskState.STEPS_IN_PROCESS,
        correlation_id=prepared.task.correlation_id,
        created_at=one.created_at,
        total_steps=len(prepared.revision.steps),
    )
    return BulkItemResult(index=index, status=201, task=task)


def _refused(index: int, problem: ApiProblem) -> BulkItemResult:
    fields = {"index": index, "status": problem.status, "error": problem.detail}
    return BulkItemResult.model_validate(fields)


@router.get("/{task_uuid}", response_class=Response, responses=documented(400, 404, ok=TaskResponse))
async def read_task(task_uuid: UUID, api: Api) -> Response:
    """One task with the readiness of its steps."""
    return answer(await _task(api, task_uuid))


async def _task(api: Services, task_uuid: UUID) -> TaskResponse:
    async with api.database.acquire() as conn:
        task = await get_task(conn, task_uuid)
    if task is None:
        raise not_found(f"task {task_uuid}")
    return task


@router.delete("/{task_uuid}", response_class=Response, responses=documented(400, 404, ok=TaskResponse))
async def cancel_task(
    task_uuid: UUID,
    api: Api,
    reason: Annotated[str | None, Query(max_length=500, description="Kept in the history")] = None,
    cancelled_by: Annotated[str, Query(max_length=255, description="Who does it")] = "api",
    dry_run: Annotated[bool, Query(description="Answer the same, and change nothing")] = False,
) -> Response:
    """Cancel a task and every step of it that has not ended. A running handler is told."""

    async def cancelled(conn: Connection) -> TaskResponse | None:
        async with transaction(conn, undo=dry_run):
            done = await cancel_tasks(conn, [task_uuid], cancelled_by, reason)
            if done and not done[0].cancelled:
                raise ApiProblem(400, f"the task is {done[0].old_state} and cannot be cancelled any more")
            return await get_task(conn, task_uuid)

    async with api.database.acquire() as conn:
        task = await retry_deadlock(lambda: cancelled(conn))
    if task is None:
        raise not_found(f"task {task_uuid}")
    return answer(task)


@router.get(
    "/{task_uuid}/transitions", response_class=Response, responses=documented(400, 404, ok=TransitionPage)
)
async def read_transitions(
    task_uuid: UUID,
    api: Api,
    step_uuid: UUID | None = None,
    after: Annotated[int, Query(ge=0, le=MAX_ID, description="Only changes with a higher id")] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    actor: Annotated[str | None, Query(max_length=255, description="Only what this one did")] = None,
    by_hand: Annotated[bool, Query(description="Only what people did, not engines and workers")] = False,
) -> Response:
    """What happened to a task and its steps, oldest first."""
    async with api.database.acquire() as conn:
        page = await task_history(
            conn, task_uuid, step_uuid=step_uuid, after=after, limit=limit, actor=actor, by_hand=by_hand
        )
        if not page.transitions and not await task_exists(conn, task_uuid):
            raise not_found(f"task {task_uuid}")
    return answer(page)
