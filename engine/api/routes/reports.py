"""`/v1/tasks/{task}/…`: reports on one task, made when they are asked for."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from engine.api.answers import answer, documented
from engine.api.errors import not_found
from engine.api.services import Api
from engine.model.wire.reports import TaskSummary, Timeline
from engine.store.summary import read_summary
from engine.store.timeline import read_timeline

router = APIRouter(prefix="/v1/tasks", tags=["reports"])


@router.get("/{task_uuid}/summary", response_class=Response, responses=documented(400, 404, ok=TaskSummary))
async def summarize_task(task_uuid: UUID, api: Api) -> Response:
    """A task in figures: how its steps stand, where its time went, what failed and who acted by hand."""
    async with api.database.acquire() as conn:
        summary = await read_summary(conn, task_uuid)
    if summary is None:
        raise not_found(f"task {task_uuid}")
    return answer(summary)


@router.get("/{task_uuid}/timeline", response_class=Response, responses=documented(400, 404, ok=Timeline))
async def show_timeline(
    task_uuid: UUID,
    api: Api,
    after: Annotated[UUID | None, Query(description="Only steps after this one in the plan")] = None,
    limit: Annotated[int, Query(ge=1, le=5_000, description="Steps at most")] = 1_000,
    attempts: Annotated[int, Query(ge=1, le=100, description="Of each step the last so many")] = 20,
) -> Response:
    """When each step of a task waited, was queued and ran, attempt by attempt, in the order of its plan."""
    async with api.database.acquire() as conn:
        timeline = await read_timeline(conn, task_uuid, after=after, limit=limit, attempts=attempts)
    if timeline is None:
        raise not_found(f"task {task_uuid}")
    return answer(timeline)
