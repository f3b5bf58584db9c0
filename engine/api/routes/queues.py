"""`/v1/queues`, `/v1/handlers` and the steps of a worker: what waits, who could take it, who has it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from engine.api.answers import answer, documented
from engine.api.errors import not_found
from engine.api.services import Api
from engine.model.wire.queues import HandlerList, QueueList, WorkerSteps
from engine.store.handlers import read_handlers
from engine.store.queues import read_queues
from engine.store.workers import steps_of_worker

router = APIRouter(prefix="/v1", tags=["system"])

Namespace = Annotated[str | None, Query(max_length=255, description="Only this one")]


@router.get("/queues", response_class=Response, responses=documented(400, 404, ok=QueueList))
async def list_queues(api: Api, namespace: Namespace = None) -> Response:
    """What waits, is held and runs in each namespace and for each handler, and the workers that serve it."""
    async with api.database.acquire() as conn:
        found = await read_queues(conn, namespace)
    if namespace is not None and not found.queues:
        raise not_found(f"namespace {namespace}", "GET /v1/queues lists all of them")
    return answer(found.model_copy(update={"broker": api.broker()}))


@router.get("/handlers", response_class=Response, responses=documented(400, ok=HandlerList))
async def list_handlers(
    api: Api,
    namespace: Namespace = None,
    missing: Annotated[bool, Query(description="Only those that no live worker has")] = False,
) -> Response:
    """The handlers that templates and ready steps ask for, who has them, and which are missing."""
    async with api.database.acquire() as conn:
        return answer(await read_handlers(conn, namespace, missing_only=missing))


@router.get(
    "/workers/{worker_uuid}/steps", response_class=Response, responses=documented(400, 404, ok=WorkerSteps)
)
async def list_worker_steps(api: Api, worker_uuid: UUID) -> Response:
    """The steps that a worker holds now, the one that it holds for longest first."""
    async with api.database.acquire() as conn:
        found = await steps_of_worker(conn, worker_uuid)
    if found is None:
        raise not_found(f"worker {worker_uuid}", "GET /v1/workers lists those that are known")
    return answer(found)
