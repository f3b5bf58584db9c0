"""What the server keeps of a step's attempts and tells of its readiness, as the fake server makes it up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine.model.states import STEP_SATISFIES
from engine.model.wire.tasks import StepReadinessStatus

if TYPE_CHECKING:
    from tests.tui.support import FakeStep, FakeTask

WORKER = UUID(int=0x3333)


def error_of(error: dict[str, Any]) -> dict[str, Any]:
    """A handler's error with all that is kept of one."""
    return {"backtrace": None, "retryable": True, "status_code": None, "context": {}} | error


def record_of(task: FakeTask, step: FakeStep, error: dict[str, Any] | None, took_ms: int) -> dict[str, Any]:
    """What is kept of an attempt that has ended; `error` None is a success."""
    began = task.created_at + timedelta(seconds=step.started)
    return {
        "step_uuid": str(task.step_uuid(step.name)),
        "success": error is None,
        "status": "failed" if error else "completed",
        "result": None if error else step.result,
        "error": error_of(error) if error else None,
        "metadata": {
            "execution_time_ms": took_ms, "handler_version": "1.0.0", "retryable": bool(error),
            "completed_at": (began + timedelta(milliseconds=took_ms)).isoformat(), "worker_id": str(WORKER),
            "worker_hostname": "here", "started_at": began.isoformat(), "custom": {}, "error_code": None,
            "error_type": error.get("error_type") if error else None, "context": {},
        },
        "orchestration_metadata": None,
    }  # fmt: skip


def readiness_of(task: FakeTask, step: FakeStep) -> StepReadinessStatus:
    """A step as the answer about its task tells it."""
    done = sum(task.step(parent).state in STEP_SATISFIES for parent in step.parents)
    began = task.created_at + timedelta(seconds=step.started) if step.attempts else None
    return StepReadinessStatus(
        workflow_step_uuid=task.step_uuid(step.name), task_uuid=task.uuid,
        named_step_uuid=task.step_uuid(step.name), name=step.name, current_state=step.state,
        dependencies_satisfied=done == len(step.parents), retry_eligible=step.attempts < step.max_attempts,
        ready_for_execution=False, last_failure_at=began if step.error else None,
        next_retry_at=step.next_retry_at, total_parents=len(step.parents), completed_parents=done,
        attempts=step.attempts, max_attempts=step.max_attempts, backoff_request_seconds=None,
        last_attempted_at=began,
    )  # fmt: skip
