"""From a task request to a new task and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Any
from uuid import UUID, uuid4

import orjson

from engine.api.errors import ApiProblem, bad_context, bad_payload
from engine.model.identity import IdentityKeyRequired, identity_key
from engine.model.payload import PayloadRejected, dump_json
from engine.model.wire.requests import TaskRequest
from engine.store.revisions import InitialStep, Revision, RevisionCache, TemplateNotFound
from engine.store.tasks import Creation, NewTask

STATE = "steps_in_process"
"""Of a task that was just created: its first steps are with the workers."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that has passed all checks."""

    request: TaskRequest
    revision: Revision
    task: NewTask


async def prepare(revisions: RevisionCache, request: TaskRequest) -> Prepared:
    """Check a request against its template.

    Raises ApiProblem: 404 for an unknown template, 422 for a context that cannot be kept or does not fit the
    input schema, 400 for an idempotency key that the template needs.
    """
    try:
        revision = await revisions.find(request.namespace, request.name, request.version)
    except TemplateNotFound as error:
        raise ApiProblem(404, str(error), hint=error.hint) from None
    try:
        context = dump_json(request.context)
    except PayloadRejected as error:
        raise bad_payload("context", error) from None
    if revision.validator and (problems := revision.validator.errors(request.context)):
        raise bad_context(problems)
    try:
        key = identity_key(revision.identity_strategy, request.context, request.idempotency_key)
    except IdentityKeyRequired as error:
        raise ApiProblem(400, str(error)) from None
    task = NewTask(
        revision.revision_id, context, request.initiator, request.source_system, request.reason,
        request.tags, request.priority, request.correlation_id or uuid4(), request.parent_correlation_id, key,
    )  # fmt: skip
    return Prepared(request, revision, task)


def already_there(prepared: Prepared, existing: UUID) -> ApiProblem:
    """409: an equal task exists."""
    by_key = prepared.request.idempotency_key is not None
    reason = "this idempotency_key" if by_key else "the same context"
    return ApiProblem(
        409,
        f"a task of '{prepared.revision.namespace}/{prepared.revision.name}' with {reason} exists",
        hint="look at that task, or give another idempotency_key to start a new one",
        existing_task_uuid=existing,
    )


def created_answer(prepared: Prepared, creation: Creation) -> bytes:
    """The TaskResponse of a task as it was created, without reading it back."""
    task, revision = prepared.task, prepared.revision
    task_uuid = str(creation.task_uuid)
    at = _moment(creation)
    ready = sum(step.total_parents == 0 for step in revision.steps)
    return orjson.dumps(
        {
            "task_uuid": task_uuid,
            "name": revision.name,
            "namespace": revision.namespace,
            "version": revision.version,
            "status": STATE,
            "created_at": at,
            "updated_at": at,
            "completed_at": None,
            "context": orjson.Fragment(task.context),
            "initiator": task.initiator,
            "source_system": task.source_system,
            "reason": task.reason,
            "priority": task.priority,
            "tags": task.tags,
            "correlation_id": task.correlation_id,
            "parent_correlation_id": task.parent_correlation_id,
            "total_steps": len(revision.steps),
            "pending_steps": len(revision.steps) - ready,
            "in_progress_steps": 0,
            "completed_steps": 0,
            "failed_steps": 0,
            "ready_steps": ready,
            "execution_status": "has_ready_steps",
            "recommended_action": "execute_ready_steps",
            "completion_percentage": 0.0,
            "health_status": "healthy",
            "steps": [_step(task_uuid, step, creation.step_uuids[step.position]) for step in revision.steps],
        }
    )


def _moment(creation: Creation) -> str:
    return creation.created_at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def _step(task_uuid: str, step: InitialStep, step_uuid: UUID | None) -> dict[str, Any]:
    is_root = step.total_parents == 0
    return {
        "workflow_step_uuid": str(step_uuid),
        "task_uuid": task_uuid,
        "named_step_uuid": step.named_step_uuid,
        "name": step.name,
        "current_state": "enqueued" if is_root else "pending",
        "dependencies_satisfied": is_root,
        "retry_eligible": True,
        "ready_for_execution": is_root,
        "last_failure_at": None,
        "next_retry_at": None,
        "total_parents": step.total_parents,
        "completed_parents": 0,
        "attempts": 0,
        "max_attempts": step.max_attempts,
        "backoff_request_seconds": None,
        "last_attempted_at": None,
    }
