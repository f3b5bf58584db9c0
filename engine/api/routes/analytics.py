"""`/v1/analytics`: how the system does, and what slows it down."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from engine.api.answers import answer, documented
from engine.api.services import Api
from engine.model.analytics import recommend, share
from engine.model.states import TASK_TERMINAL, TaskState
from engine.model.wire.operations import (
    BottleneckAnalysis,
    PerformanceMetrics,
    ResourceUtilization,
    SystemHealthCounts,
)
from engine.store.analytics import Window, count_states, read_window, slowest_steps, slowest_tasks
from engine.store.stats import roll_up

router = APIRouter(prefix="/v1/analytics", tags=["analytics"])

Hours = Annotated[int, Query(ge=1, le=720, description="How far back to look")]


@router.get("/performance", response_class=Response, responses=documented(400, ok=PerformanceMetrics))
async def read_performance(api: Api, hours: Hours = 24) -> Response:
    """How many tasks ran and how they ended, how long they took, and how many an hour."""
    async with api.database.acquire() as conn:
        await roll_up(conn)
        window, counts = await read_window(conn, hours), await count_states(conn)
    return answer(_performance(window, counts, hours))


def _performance(window: Window, counts: SystemHealthCounts, hours: int) -> PerformanceMetrics:
    """Tasks are those that ended in the window, and those that have not ended.

    A task that is blocked by failures has failed until somebody helps it.
    """
    ended = {state: max(0, window.arrivals[state]) for state in TASK_TERMINAL}
    completed, failed = ended[TaskState.COMPLETE], ended[TaskState.ERROR] + counts.blocked_by_failures_tasks
    active = counts.total_tasks - counts.blocked_by_failures_tasks - counts.complete_tasks
    active -= counts.error_tasks + counts.cancelled_tasks + counts.resolved_manually_tasks
    total = active + counts.blocked_by_failures_tasks + sum(ended.values())
    return PerformanceMetrics(
        total_tasks=total,
        active_tasks=active,
        completed_tasks=completed,
        failed_tasks=failed,
        completion_rate=share(completed, total),
        error_rate=share(failed, total),
        average_task_duration_seconds=share(window.tasks.total_ms, window.tasks.items) / 1000,
        average_step_duration_seconds=share(window.steps.total_ms, window.steps.items) / 1000,
        tasks_per_hour=round(completed / hours),
        steps_per_hour=round(window.steps.items / hours),
        system_health_score=1.0 - share(failed, completed + failed),
        analysis_period_start=window.start,
        calculated_at=window.now,
    )


@router.get("/bottlenecks", response_class=Response, responses=documented(400, ok=BottleneckAnalysis))
async def read_bottlenecks(
    api: Api,
    limit: Annotated[int, Query(ge=1, le=100, description="Steps, and templates, at most")] = 10,
    min_executions: Annotated[int, Query(ge=1, description="Leave out what ran less often")] = 5,
    hours: Hours = 24,
) -> Response:
    """The slowest steps and templates, how busy the system is, and what to do about it."""
    async with api.database.acquire() as conn:
        await roll_up(conn)
        chosen = {"hours": hours, "limit": limit, "min_executions": min_executions}
        steps = await slowest_steps(conn, **chosen)
        tasks = await slowest_tasks(conn, **chosen)
        counts = await count_states(conn)
    utilization = api.database.detail().utilization_percent / 100
    found = BottleneckAnalysis(
        slow_steps=steps,
        slow_tasks=tasks,
        resource_utilization=ResourceUtilization(database_pool_utilization=utilization, system_health=counts),
        recommendations=recommend(steps, tasks, counts, utilization),
    )
    return answer(found)
