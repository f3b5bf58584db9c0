"""Dead letters, as the server would answer for them from memory."""

from __future__ import annotations

from typing import Any

from engine.client.calls import Call
from engine.model.states import StepState, TaskState
from engine.model.wire.dead_letters import (
    DlqChange,
    DlqEntry,
    DlqInvestigationQueueEntry,
    DlqInvestigationUpdate,
    DlqResolutionStatus,
)


def letter(
    task: Any, minutes: float, score: float, assignee: str | None = None
) -> DlqInvestigationQueueEntry:
    """The open dead letter of a `FakeTask`."""
    failed = next((step for step in task.steps if step.state is StepState.ERROR), None)
    return DlqInvestigationQueueEntry(
        dlq_entry_uuid=task.uuid, task_uuid=task.uuid, original_state=TaskState.BLOCKED_BY_FAILURES,
        dlq_reason="max_retries_exceeded", dlq_timestamp=task.created_at, minutes_in_dlq=minutes,
        namespace_name=task.namespace, task_name=task.name, current_state=task.state,
        time_in_state_minutes=2, priority_score=score, cause="permanent_failure", assignee=assignee,
        resolution_notes=None, failed_step=failed and failed.name,
        error_message=failed and failed.error["message"],
    )  # fmt: skip


def change_letter(letters: list[DlqInvestigationQueueEntry], call: Call[Any]) -> DlqChange:
    """Close one, or give it to somebody."""
    asked = DlqInvestigationUpdate.model_validate_json(call.content or b"")
    found = next(one for one in letters if str(one.dlq_entry_uuid) == call.path.rsplit("/", 1)[1])
    closed = asked.resolution
    if closed:
        letters.remove(found)
    else:
        changed = asked.model_dump(include={"assignee", "resolution_notes"}, exclude_unset=True)
        letters[letters.index(found)] = found.model_copy(update=changed)
    entry = DlqEntry(
        dlq_entry_uuid=found.dlq_entry_uuid, task_uuid=found.task_uuid, original_state=found.original_state,
        dlq_reason=found.dlq_reason, dlq_timestamp=found.dlq_timestamp,
        resolution_status=closed[0] if closed else DlqResolutionStatus.PENDING, resolution_timestamp=None,
        resolution_notes=asked.resolution_notes, resolved_by=asked.resolved_by, task_snapshot={},
        metadata=None, created_at=found.dlq_timestamp, updated_at=found.dlq_timestamp, cause=found.cause,
        assignee=asked.assignee, namespace_name=found.namespace_name, task_name=found.task_name,
        current_state=found.current_state,
    )  # fmt: skip
    return DlqChange(changed=True, dry_run=False, entry=entry)
