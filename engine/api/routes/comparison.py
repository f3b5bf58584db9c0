"""Runs beside each other: the grid of a template, and the diff of two tasks."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from engine.api.answers import answer, documented
from engine.api.errors import ApiProblem, not_found
from engine.api.routes.task_list import states_of
from engine.api.services import Api
from engine.model.wire.comparison import Grid, TaskDiff
from engine.store.comparison import NotComparable, compare_tasks
from engine.store.grid import read_grid

router = APIRouter(prefix="/v1", tags=["reports"])


@router.get(
    "/templates/{namespace}/{name}/{version}/grid",
    response_class=Response,
    responses=documented(400, 404, ok=Grid),
)
async def show_grid(
    namespace: str,
    name: str,
    version: str,
    api: Api,
    state: Annotated[
        list[str] | None, Query(description="Only runs in these states; with commas or repeated")
    ] = None,
    before: Annotated[UUID | None, Query(description="Only runs older than this task")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Runs at most; fewer of very large ones")] = 25,
) -> Response:
    """The newest runs of a template's version, step by step: state, duration and attempts."""
    states = states_of(state)
    async with api.database.acquire() as conn:
        grid = await read_grid(conn, namespace, name, version, states=states, before=before, limit=limit)
    if grid is None:
        raise not_found(
            f"template {namespace}/{name} version {version}",
            "GET /v1/templates lists those that are registered",
        )
    return answer(grid)


@router.get(
    "/tasks/{task_uuid}/diff/{other_uuid}",
    response_class=Response,
    responses=documented(400, 404, ok=TaskDiff),
)
async def show_diff(
    task_uuid: UUID,
    other_uuid: UUID,
    api: Api,
    differing: Annotated[bool, Query(description="Leave out steps that are alike")] = False,
    limit: Annotated[int, Query(ge=1, le=5_000, description="Steps at most")] = 1_000,
) -> Response:
    """Two tasks of one template side by side: context, states, attempts, durations, results, errors."""
    if task_uuid == other_uuid:
        raise ApiProblem(400, "it is the same task twice", hint="name another run of its template")
    try:
        async with api.database.acquire() as conn:
            found = await compare_tasks(conn, task_uuid, other_uuid, differing_only=differing, limit=limit)
    except NotComparable as error:
        raise ApiProblem(
            400, str(error), hint="compare two runs of one template; its version may differ"
        ) from None
    if isinstance(found, UUID):
        raise not_found(f"task {found}")
    return answer(found)
