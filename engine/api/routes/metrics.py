"""`GET /metrics`: counters of the whole system, and what this process knows of itself."""

from __future__ import annotations

import logging

from fastapi import APIRouter
from starlette.responses import Response

from engine.api.database import FAILURES
from engine.api.figures import Figures, dead_letter_figures, own_counters, own_gauges
from engine.api.services import Api
from engine.observability import metrics
from engine.store import stats
from engine.store.pool import Connection

router = APIRouter(tags=["system"])
log = logging.getLogger("tasker.api")


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus text"}},
)
async def read_metrics(api: Api) -> Response:
    """Counters and histograms of the whole system, and of this process's answers.

    While the database does not answer they are this process's alone: that is when they are looked at.
    """
    counters, gauges = own_counters(api), own_gauges(api)
    try:
        async with api.database.acquire() as conn:
            figures = await _system(conn, counters, gauges)
    except FAILURES as error:
        log.warning("metrics of this process alone: %s", error or type(error).__name__)
        figures = metrics.SystemFigures((), (), (), gauges, counters)
    return Response(metrics.render(figures, api.http), media_type=metrics.CONTENT_TYPE)


async def _system(conn: Connection, counters: Figures, gauges: Figures) -> metrics.SystemFigures:
    await stats.roll_up(conn)
    of_letters, letters = await dead_letter_figures(conn)
    return metrics.SystemFigures(
        hops=await stats.hop_totals(conn),
        durations=await stats.duration_totals(conn),
        bounds_ms=await stats.duration_bounds(conn),
        counters=counters | of_letters,
        gauges=gauges | letters | await _work(conn),
    )


async def _work(conn: Connection) -> Figures:
    found: Figures = {
        ("tasker_steps_running", "Steps that workers hold a lease on", "", ""): (
            await stats.running_steps(conn)
        ),
        ("tasker_results_waiting", "Results that wait for an engine", "", ""): (
            await stats.waiting_results(conn)
        ),
        ("tasker_domain_events_waiting", "Durable events that are not in their queue yet", "", ""): (
            await stats.waiting_events(conn)
        ),
    }
    for load in await stats.work_load(conn):
        found["tasker_steps_ready", "Steps that wait for a worker", "namespace", load.namespace] = load.ready
        oldest = "How long the oldest ready step has waited"
        found["tasker_queue_oldest_seconds", oldest, "namespace", load.namespace] = load.oldest_seconds
    workers = await stats.list_workers(conn)
    for state in ("running", "draining", "lost", "stopped"):
        number = sum(worker.state == state for worker in workers)
        found["tasker_workers", "Workers that are known", "state", state] = number
    return found
