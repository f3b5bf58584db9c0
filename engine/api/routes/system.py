"""Health, metrics, configuration and workers."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic_core import to_json
from starlette.responses import Response

from engine.api.answers import JSON, answer, answer_list, documented
from engine.api.errors import ApiProblem
from engine.api.services import VERSION, Api, Services
from engine.model.wire.health import DetailedHealthResponse, HealthResponse, ReadinessResponse
from engine.model.wire.worker import WorkerInfo
from engine.observability import health
from engine.store import stats
from engine.store.pool import RECONNECTABLE

router = APIRouter(tags=["system"])

PING_SECONDS = 2.0


@router.get("/health", response_class=Response, responses=documented(ok=HealthResponse))
async def read_health() -> Response:
    """The server answers."""
    return answer(health.basic())


@router.get("/health/live", response_class=Response, responses=documented(ok=HealthResponse))
async def read_liveness() -> Response:
    """The process is alive."""
    return answer(health.live())


@router.get(
    "/health/ready",
    response_class=Response,
    responses=documented(ok=ReadinessResponse)
    | {503: {"model": ReadinessResponse, "description": "It cannot take work now"}},
)
async def read_readiness(api: Api) -> Response:
    """Whether the server can take work."""
    found = health.readiness(await _measure(api))
    return answer(found, 200 if health.is_ready(found.checks) else 503)


@router.get(
    "/health/detailed",
    response_class=Response,
    responses=documented(ok=DetailedHealthResponse)
    | {503: {"model": DetailedHealthResponse, "description": "It cannot take work now"}},
)
async def read_detailed_health(api: Api) -> Response:
    """Every check, and how the parts do."""
    found = health.detailed(await _measure(api))
    return answer(found, 200 if health.is_ready(found.checks) else 503)


async def _measure(api: Services) -> health.Measured:
    began, ready, error = time.perf_counter(), 0, None
    try:
        async with asyncio.timeout(PING_SECONDS), api.database.acquire() as conn:
            ready = sum(load.ready for load in await stats.work_load(conn))
    except (TimeoutError, ApiProblem):
        error = f"no answer within {PING_SECONDS:g} s"
    except RECONNECTABLE as problem:
        error = type(problem).__name__
    milliseconds = round(1000 * (time.perf_counter() - began))
    return health.Measured(
        version=VERSION,
        environment=api.settings.environment,
        database_ms=None if error else milliseconds,
        database_error=error,
        loop_failures={loop.name: loop.failures for loop in api.loops},
        loops_ended=api.background.told,
        pool=api.database.detail(),
        breakers=api.breakers,
        queue=api.pressure.worst,
        ready_steps=ready,
        broker=api.broker(),
        waiting_creations=api.batcher.waiting,
        channel_percent=api.pressure.channel_percent,
    )


@router.get(
    "/config",
    response_class=Response,
    responses=documented(404) | {200: {"content": {JSON: {}}, "description": "The settings"}},
)
async def read_config(api: Api) -> Response:
    """The settings without secrets; only where `server.config_endpoint` is set."""
    if not api.settings.server.config_endpoint:
        raise ApiProblem(404, "the settings are not shown", hint="set server.config_endpoint to show them")
    return Response(to_json(api.settings.redacted()), media_type=JSON)


@router.get("/v1/workers", response_class=Response, responses=documented(400, ok=list[WorkerInfo]))
async def read_workers(api: Api, namespace: Annotated[str | None, Query(max_length=255)] = None) -> Response:
    """The workers that are known, the last heard of first; `lost` are those that went silent."""
    async with api.database.acquire() as conn:
        return answer_list(await stats.list_workers(conn, namespace=namespace))
