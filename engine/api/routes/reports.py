"""`/v1/tasks/{task}/…`: reports on one task, made when they are asked for."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from engine.api.answers import answer, documented
from engine.api.errors import not_found
from engine.api.parameters import MAX_ID
from engine.api.services import Api
from engine.model.wire.details import TaskLogPage
from engine.model.wire.reports import TaskSummary, Timeline
from engine.store.logs import task_log
from engine.store.summary import read_summary
from engine.store.tasks import task_exists
from engine.store.timeline import read_timeline

router = APIRouter(prefix="/v1/tasks", tags=["reports"])


class Level(StrEnum):
    """How grave a line is, from the least on."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


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


@router.get("/{task_uuid}/logs", response_class=Response, responses=documented(400, 404, ok=TaskLogPage))
async def read_task_logs(
    task_uuid: UUID,
    api: Api,
    step: Annotated[str | None, Query(max_length=255, description="Only of this step, by name or id")] = None,
    level: Annotated[Level | None, Query(description="Only lines at least as grave")] = None,
    after: Annotated[int, Query(ge=0, le=MAX_ID, description="Only lines with a higher id")] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
) -> Response:
    """What the handlers of a task's steps logged and printed, oldest first."""
    levels = list(Level)
    wanted = None if level is None else [one.name for one in levels[levels.index(level) :]]
    async with api.database.acquire() as conn:
        page = await task_log(conn, task_uuid, step=step, levels=wanted, after=after, limit=limit)
        if not page.lines and not await task_exists(conn, task_uuid):
            raise not_found(f"task {task_uuid}")
    return answer(page)
