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
from engine.api.figures import dead_letter_figures
from engine.api.services import VERSION, Api, Services
from engine.model.wire.health import DetailedHealthResponse, HealthResponse, ReadinessResponse
from engine.model.wire.worker import WorkerInfo
from engine.observability import health, metrics
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
        pool=api.database.detail(),
        ready_steps=ready,
        waiting_creations=api.batcher.waiting,
    )


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus text"}},
)
async def read_metrics(api: Api) -> Response:
    """Counters and histograms of the whole system, and of this process's answers."""
    async with api.database.acquire() as conn:
        await stats.roll_up(conn)
        counters, gauges = await dead_letter_figures(conn)
        figures = metrics.SystemFigures(
            hops=await stats.hop_totals(conn),
            durations=await stats.duration_totals(conn),
            bounds_ms=await stats.duration_bounds(conn),
            counters=counters,
            gauges=gauges
            | _gauges(
                api,
                await stats.work_load(conn),
                await stats.running_steps(conn),
                await stats.waiting_results(conn),
                await stats.waiting_events(conn),
                await stats.list_workers(conn),
            ),
        )
    return Response(metrics.render(figures, api.http), media_type=metrics.CONTENT_TYPE)


def _gauges(
    api: Services,
    loads: list[stats.WorkLoad],
    running: int,
    results: int,
    events: int,
    workers: list[WorkerInfo],
) -> dict[tuple[str, str, str, str], float]:
    pool = api.database.detail()
    found: dict[tuple[str, str, str, str], float] = {
        ("tasker_engine_info", "The version of this engine", "version", VERSION): 1,
        ("tasker_steps_running", "Steps that workers hold a lease on", "", ""): running,
        ("tasker_results_waiting", "Results that wait for an engine", "", ""): results,
        ("tasker_domain_events_waiting", "Durable events that are not in their queue yet", "", ""): events,
        ("tasker_event_subscribers", "Clients of this engine's event stream", "", ""): api.hub.subscribers,
    }
    for state, number in (("active", pool.active_connections), ("idle", pool.idle_connections)):
        found["tasker_db_pool_connections", "Connections of this engine's pool", "state", state] = number
    for load in loads:
        found["tasker_steps_ready", "Steps that wait for a worker", "namespace", load.namespace] = load.ready
        oldest = "How long the oldest ready step has waited"
        found["tasker_queue_oldest_seconds", oldest, "namespace", load.namespace] = load.oldest_seconds
    for state in ("running", "draining", "lost", "stopped"):
        number = sum(worker.state == state for worker in workers)
        found["tasker_workers", "Workers that are known", "state", state] = number
    return found


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


@router.get("/v1/workers", response_class=Response, responses=documented(ok=list[WorkerInfo]))
async def read_workers(api: Api, namespace: Annotated[str | None, Query(max_length=255)] = None) -> Response:
    """The workers that are known, the last heard of first; `lost` are those that went silent."""
    async with api.database.acquire() as conn:
        return answer_list(await stats.list_workers(conn, namespace=namespace))
