"""`GET /v1/tasks/why` and `/v1/tasks/{task}/why`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from engine.api.answers import answer_list, documented
from engine.api.errors import not_found
from engine.api.services import Api
from engine.model.wire.details import StepWhy, TaskWhy
from engine.store.tasks import task_exists
from engine.store.why import why_steps, why_tasks

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])

MOST_TASKS = 200


@router.get("/why", response_class=Response, responses=documented(400, ok=list[TaskWhy]))
async def explain_tasks(
    task_uuid: Annotated[
        list[UUID], Query(min_length=1, max_length=MOST_TASKS, description="Of each task; repeated")
    ],
    api: Api,
) -> Response:
    """The most telling reason why each of some tasks is not done; none of those that are, or do not exist."""
    async with api.database.acquire() as conn:
        return answer_list(await why_tasks(conn, task_uuid))


@router.get("/{task_uuid}/why", response_class=Response, responses=documented(400, 404, ok=list[StepWhy]))
async def explain_task(task_uuid: UUID, api: Api) -> Response:
    """Why the steps of a task that have not ended are where they are."""
    async with api.database.acquire() as conn:
        reasons = await why_steps(conn, task_uuid)
        if not reasons and not await task_exists(conn, task_uuid):
            raise not_found(f"task {task_uuid}")
    return answer_list(reasons)
