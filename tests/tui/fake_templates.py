"""Templates in figures, as the server would answer for them from memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine.client.calls import Call
from engine.model.states import StepState
from engine.model.wire.comparison import Grid, GridCell, GridColumn, GridRun
from engine.model.wire.details import TemplateRevision
from engine.model.wire.queues import HandlerInfo, HandlerList, HandlerUser
from engine.model.wire.statistics import DurationFigures, TemplateFigures, TemplateStatistics
from engine.model.wire.tasks import StepDefinition
from tests.tui.fake_answers import answers

if TYPE_CHECKING:
    from tests.tui.support import FakeTask, FakeTasker

MISSING = "orders.ship"
"""The handler that no worker has."""
REGISTERED = datetime(2026, 3, 1, tzinfo=UTC)


def revision(**fields: Any) -> TemplateRevision:
    """A template, as it was registered."""
    return TemplateRevision(
        **fields, revision_id=1, content_hash="0" * 64, identity_strategy="strict", registered_at=REGISTERED
    )


def template_of(task: FakeTask) -> TemplateRevision:
    """A template with the steps of a task; `handoff` asks for a handler that no worker has."""
    steps = [
        {
            "name": step.name,
            "handler": {"callable": MISSING if step.name == "handoff" else step.handler},
            "dependencies": list(step.parents),
        }
        for step in task.steps
    ]
    definitions = [
        StepDefinition(name=step.name, description=None, default_retryable=True, default_max_attempts=3)
        for step in task.steps
    ]
    return revision(
        name=task.name, namespace=task.namespace, version="1.0.0", description="An order to its parcel.",
        configuration={"steps": steps, "input_schema": {}}, steps=definitions,
    )  # fmt: skip


def grid_of(*tasks: FakeTask) -> Grid:
    """The tasks as runs of their template; their steps took a second more in each."""
    first = tasks[0]
    runs = []
    for number, task in enumerate(tasks):
        cells = [
            GridCell(state=step.state, steps=1, attempts=step.attempts, duration_ms=1000 * (number + 1))
            if step.attempts
            else None
            for step in task.steps
        ]
        runs.append(
            GridRun(
                task_uuid=task.uuid, state=task.state, created_at=task.created_at, completed_at=None,
                duration_ms=2_400, cells=cells,
            )
        )  # fmt: skip
    return Grid(
        namespace=first.namespace, template=first.name, version="1.0.0", calculated_at=first.created_at,
        columns=[GridColumn(step=step.name, step_type="standard") for step in first.steps], runs=runs,
        next_before=None,
    )  # fmt: skip


@answers("GET", "/v1/statistics/templates")
def _figures(tasker: FakeTasker, call: Call[Any]) -> TemplateStatistics:
    """A task is complete, or has failed where one of its steps has."""
    now, found = tasker.clock.now(), []
    for one in tasker.templates:
        tasks = [task for task in tasker.tasks.values() if task.name == one.name]
        failed = sum(task.counted(StepState.ERROR) > 0 for task in tasks)
        complete = sum(task.state == "complete" for task in tasks)
        took = DurationFigures(items=complete, mean_ms=900, p50_ms=800, p95_ms=4_200, p99_ms=9_000)
        found.append(
            TemplateFigures(
                namespace=one.namespace, name=one.name, version=one.version, tasks_created=len(tasks),
                tasks_completed=complete, tasks_failed=failed, task_durations=took if complete else None,
                last_created_at=max((task.created_at for task in tasks), default=None),
            )
        )  # fmt: skip
    return TemplateStatistics(start=now - timedelta(hours=24), end=now, templates=found)


@answers("GET", "/v1/handlers")
def _handlers(tasker: FakeTasker, call: Call[Any]) -> HandlerList:
    def info(handler: str, workers: int) -> HandlerInfo:
        return HandlerInfo(
            namespace="example", handler=handler, status="served" if workers else "missing",
            workers=workers, worker_names=[f"worker-{number}" for number in range(workers)],
            slots=10 * workers, ready=0, missing_since=None, near=[],
            templates=1,
            used_by=[HandlerUser(template="order_fulfillment", version="1.0.0", steps=["handoff"])],
        )  # fmt: skip

    return HandlerList(handlers=[info(MISSING, 0), info("example.step", 2)], unused=[])
