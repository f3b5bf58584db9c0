"""Why steps and tasks wait, as the server would answer for it from memory."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from engine.client.calls import Call
from engine.model.states import STEP_SATISFIES, StepState
from engine.model.whys import WHY_FILTERS
from engine.model.wire.details import StepWhy, TaskWhy
from tests.tui.fake_answers import answers
from tests.tui.fake_records import WORKER

if TYPE_CHECKING:
    from tests.tui.support import FakeStep, FakeTask, FakeTasker


@answers("GET", "/v1/tasks/why")
def _whys(tasker: FakeTasker, call: Call[Any]) -> list[TaskWhy]:
    """The most telling one of each task that is known; messages are not cut."""
    wanted = dict(call.params)["task_uuid"]
    assert 1 <= len(wanted) <= 200  # the server refuses more
    found = []
    for task in [tasker.tasks[uuid] for uuid in wanted if uuid in tasker.tasks]:
        told = [one for one in whys_of(task) if one.kind in WHY_FILTERS]
        if told:
            most = min(told, key=lambda one: WHY_FILTERS.index(one.kind))
            found.append(TaskWhy(task_uuid=task.uuid, **most.model_dump()))
    return found


def whys_of(task: FakeTask) -> list[StepWhy]:
    """Of each step that has not ended."""
    return [why_of(task, step) for step in task.steps if step.state not in STEP_SATISFIES]


def why_of(task: FakeTask, step: FakeStep) -> StepWhy:
    """Of one; what is enqueued has no worker."""
    unmet = [task.step(name) for name in step.parents if task.step(name).state not in STEP_SATISFIES]
    parents = ", ".join(f"{parent.name} ({parent.state.value})" for parent in unmet)
    failed = any(parent.state is StepState.ERROR for parent in unmet)
    message = (step.error or {}).get("message", "")
    kinds = {
        StepState.ERROR: ("failed", f"failed for good after {step.attempts} attempts: {message}"),
        StepState.WAITING_FOR_RETRY: ("retry", f"retry in 42 s: {message}"),
        StepState.IN_PROGRESS: ("running", "runs on worker packer:7, leased until 12:00:30 UTC"),
        StepState.ENQUEUED: ("no_worker", f"no live worker serves the namespace {task.namespace}"),
    }
    waiting = ("failed_parent", f"blocked by {parents}") if failed else ("parents", f"waits for {parents}")
    kind, sentence = kinds.get(step.state, waiting)
    return StepWhy(
        step_uuid=task.step_uuid(step.name),
        name=step.name,
        state=step.state.value,
        kind=kind,
        sentence=sentence,
        data=_facts_of(task, step),
    )


def _facts_of(task: FakeTask, step: FakeStep) -> dict[str, Any]:
    told = step.error or {}
    attempts = {"attempts": step.attempts, "max_attempts": step.max_attempts, "message": told.get("message")}
    since = task.created_at + timedelta(seconds=step.started)
    match step.state:
        case StepState.ERROR:
            return {"error_type": told.get("error_type"), **attempts}
        case StepState.WAITING_FOR_RETRY:
            retry_at = step.next_retry_at.isoformat() if step.next_retry_at else None
            return {"retry_at": retry_at, "seconds": 42.0, **attempts}
        case StepState.IN_PROGRESS:
            held = {"since": since.isoformat(), "lease_until": (since + timedelta(seconds=30)).isoformat()}
            return {"worker_uuid": str(WORKER), "worker": "packer:7", **held}
        case StepState.ENQUEUED:
            return {"namespace": task.namespace}
    unmet = [task.step(name) for name in step.parents if task.step(name).state not in STEP_SATISFIES]
    return {"parents": [{"name": parent.name, "state": parent.state.value} for parent in unmet]}
