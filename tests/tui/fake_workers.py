"""What workers hold, as the server would answer for it from memory."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine.client.calls import Call
from engine.model.states import StepState
from engine.model.wire.queues import WorkerStep, WorkerSteps
from tests.tui.fake_answers import answers

if TYPE_CHECKING:
    from tests.tui.support import FakeTasker


@answers("GET", "/v1/workers/(.+)/steps")
def _steps(tasker: FakeTasker, call: Call[Any], uuid: str) -> WorkerSteps:
    """The first worker holds every step that runs, since it began."""
    steps = []
    if uuid == str(tasker.workers[0].worker_uuid):
        running = [
            (task, one)
            for task in tasker.tasks.values()
            for one in task.steps
            if one.state is StepState.IN_PROGRESS
        ]
        steps = [
            WorkerStep(
                task_uuid=task.uuid, step_uuid=task.step_uuid(one.name), step=one.name,
                namespace=task.namespace, template=task.name, version="1.0.0", handler=one.handler,
                attempt=one.attempts, claimed_at=task.created_at + timedelta(seconds=one.started),
                expires_at=tasker.clock.now() + timedelta(seconds=30),
            )
            for task, one in running
        ]  # fmt: skip
    steps.sort(key=lambda step: step.claimed_at)
    now = tasker.clock.now()
    return WorkerSteps(worker_uuid=UUID(uuid), calculated_at=now, held=len(steps), steps=steps)
