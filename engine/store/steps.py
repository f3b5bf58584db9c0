"""Reading the steps of tasks, and what operators do to them."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid5

import asyncpg

from engine.model.execution import execution_result
from engine.model.payload import load_json
from engine.model.readiness import ready_for_execution, retry_eligible
from engine.model.wire.details import StepDetail, StepEdit
from engine.model.wire.tasks import StepAuditResponse, StepReadinessStatus
from engine.store.pool import Connection
from engine.store.revisions import named_step_uuid

_READINESS = """
    SELECT s.step_uuid, s.task_uuid, s.name, s.state::text AS state, s.remaining_parents,
           cardinality(s.parents) AS total_parents, s.attempts, s.last_failure_at, s.last_attempted_at,
           s.retry_at, ts.max_attempts, ts.retryable, tasker.now() AS now
    FROM tasker.steps s JOIN tasker.template_steps ts USING (template_step_id)
    WHERE s.task_uuid = $1
    ORDER BY ts.position, s.step_uuid
"""

# The last stored attempt is the step's result, or that of the attempt before the one that runs now.
_DETAIL = """
    SELECT s.step_uuid, s.task_uuid, s.name, s.state::text AS state, s.remaining_parents,
           cardinality(s.parents) AS total_parents, s.attempts, s.last_failure_at, s.last_attempted_at,
           s.retry_at, s.created_at, s.updated_at, s.completed_at, s.parents, s.children, s.priority,
           s.inputs, s.checkpoint, ts.max_attempts, ts.retryable, ts.step_type, ts.namespace, ts.handler,
           ts.method, ts.timeout_seconds, coalesce(e.new_settings, ts.initialization) AS initialization,
           l.worker_uuid AS holder, l.expires_at,
           ARRAY (SELECT p.name FROM unnest(s.parents) WITH ORDINALITY AS u(step_uuid, n)
                  JOIN tasker.steps p USING (step_uuid) ORDER BY u.n) AS parent_names,
           a.success, a.result, a.details, a.execution_ms, a.worker_uuid, a.started_at, a.recorded_at,
           w.hostname AS worker_hostname, tasker.now() AS now,
           (SELECT jsonb_agg(to_jsonb(c) - '{task_uuid,template_step_id}'::text[] ORDER BY c.edit_id)
            FROM tasker.step_edits c WHERE c.step_uuid = s.step_uuid) AS edits
    FROM tasker.steps s
    JOIN tasker.template_steps ts USING (template_step_id)
    LEFT JOIN tasker.leases l USING (step_uuid)
    LEFT JOIN tasker.step_edits e ON e.edit_id = s.settings_edit
    LEFT JOIN LATERAL (
        SELECT * FROM tasker.step_attempts a
        WHERE a.task_uuid = s.task_uuid AND a.step_uuid = s.step_uuid
        ORDER BY a.claim_no DESC LIMIT 1) a ON true
    LEFT JOIN tasker.workers w ON w.worker_uuid = a.worker_uuid
    WHERE s.task_uuid = $1 AND ($2::uuid IS NULL OR s.step_uuid = $2)
    ORDER BY ts.position, s.step_uuid
"""

_AUDIT = """
    SELECT a.*, s.name, t.correlation_id, w.hostname AS worker_hostname,
           CASE WHEN a.success AND a.worker_uuid IS NULL
                THEN (SELECT (l.step_path[cardinality(l.step_path)])::text FROM tasker.transitions l
                      WHERE l.task_uuid = a.task_uuid AND l.step_uuid = a.step_uuid
                        AND l.claim_no = a.claim_no
                      ORDER BY l.id LIMIT 1) END AS ended_as
    FROM tasker.step_attempts a
    CROSS JOIN LATERAL (
        SELECT s.name FROM tasker.steps s WHERE s.step_uuid = a.step_uuid
        UNION ALL
        SELECT x.name FROM tasker.superseded_steps x WHERE x.step_uuid = a.step_uuid) s
    JOIN tasker.tasks t ON t.task_uuid = a.task_uuid
    LEFT JOIN tasker.workers w ON w.worker_uuid = a.worker_uuid
    WHERE a.task_uuid = $1 AND a.step_uuid = $2
    ORDER BY a.claim_no DESC
"""


class ByHand(NamedTuple):
    """What an operator's action led to: the state that the step was in (None: no such step), and whether it
    was done."""

    old_state: str | None
    done: bool


class OutcomeRefused(Exception):
    """The result that an operator gave a decision or an analyzer asks for steps that can't be."""


OUTCOME_REFUSED = "TK001"


async def readiness_of(conn: Connection, task_uuid: UUID) -> list[StepReadinessStatus]:
    """The steps of a task in the order of its plan, with what decides whether they can run."""
    return [_readiness(row) for row in await conn.fetch(_READINESS, task_uuid)]


def _readiness(row: asyncpg.Record) -> StepReadinessStatus:
    return StepReadinessStatus(
        workflow_step_uuid=row["step_uuid"],
        task_uuid=row["task_uuid"],
        named_step_uuid=named_step_uuid(row["name"]),
        name=row["name"],
        current_state=row["state"],
        last_failure_at=row["last_failure_at"],
        backoff_request_seconds=_backoff_seconds(row["last_failure_at"], row["retry_at"]),
        **_standing(row),
    )


def _standing(row: asyncpg.Record) -> dict[str, Any]:
    """The fields that readiness rows and steps have in common."""
    return {
        "dependencies_satisfied": row["remaining_parents"] == 0,
        "retry_eligible": retry_eligible(row["attempts"], row["max_attempts"], row["retryable"]),
        "ready_for_execution": ready_for_execution(
            row["state"], row["remaining_parents"], row["retry_at"], row["now"]
        ),
        "next_retry_at": row["retry_at"],
        "total_parents": row["total_parents"],
        "completed_parents": row["total_parents"] - row["remaining_parents"],
        "attempts": row["attempts"],
        "max_attempts": row["max_attempts"],
        "last_attempted_at": row["last_attempted_at"],
    }


def _backoff_seconds(failed_at: datetime | None, retry_at: datetime | None) -> int | None:
    if failed_at is None or retry_at is None:
        return None
    return max(0, math.ceil((retry_at - failed_at).total_seconds()))


async def list_steps(conn: Connection, task_uuid: UUID) -> list[StepDetail]:
    """The steps of a task in the order of its plan; none if there is no such task."""
    return [_detail(row) for row in await conn.fetch(_DETAIL, task_uuid, None)]


async def get_step(conn: Connection, task_uuid: UUID, step_uuid: UUID) -> StepDetail | None:
    """One step; None if the task has no such step."""
    row = await conn.fetchrow(_DETAIL, task_uuid, step_uuid)
    return None if row is None else _detail(row)


def _detail(row: asyncpg.Record) -> StepDetail:
    results = None if row["success"] is None else execution_result(dict(row))
    return StepDetail(
        results=results,
        last_error=results and results["error"],
        current_state=row["state"],
        last_failure_at=row["last_failure_at"],
        initialization=load_json(row["initialization"]),
        inputs=_json(row["inputs"]),
        edits=[StepEdit.model_validate(edit) for edit in _json(row["edits"]) or []],
        checkpoint=_json(row["checkpoint"]),
        worker_uuid=row["holder"],
        lease_expires_at=row["expires_at"],
        **_standing(row),
        **{name: row[name] for name in _COPIED},
    )


_COPIED = (
    "step_uuid", "task_uuid", "name", "created_at", "updated_at", "completed_at", "parents", "parent_names",
    "children", "step_type", "namespace", "handler", "method", "timeout_seconds", "priority",
)  # fmt: skip


def _json(text: str | None) -> Any:
    return None if text is None else load_json(text)


async def step_audit(conn: Connection, task_uuid: UUID, step_uuid: UUID) -> list[StepAuditResponse]:
    """Every stored result of a step, the newest first (reference 2.5)."""
    return [_audit(row) for row in await conn.fetch(_AUDIT, task_uuid, step_uuid)]


def _audit(row: asyncpg.Record) -> StepAuditResponse:
    from_state, to_state = _hop(row)
    return StepAuditResponse.model_validate(
        {
            "audit_uuid": str(uuid5(row["step_uuid"], f"audit:{row['claim_no']}")),
            "workflow_step_uuid": row["step_uuid"],
            "transition_uuid": str(uuid5(row["step_uuid"], f"transition:{row['claim_no']}")),
            "task_uuid": row["task_uuid"],
            "recorded_at": row["recorded_at"],
            "worker_uuid": row["worker_uuid"],
            "correlation_id": row["correlation_id"],
            "success": row["success"],
            "execution_time_ms": row["execution_ms"],
            "result": execution_result(dict(row)),
            "step_name": row["name"],
            "from_state": from_state,
            "to_state": to_state,
        }
    )


def _hop(row: asyncpg.Record) -> tuple[str | None, str]:
    """The transition that a stored result stands for; a success without a worker is an operator's, or that of
    a batch's worker which the batch does without."""
    if not row["success"]:
        return "in_progress", "enqueued_as_error_for_orchestration"
    if row["worker_uuid"] is not None:
        return "in_progress", "enqueued_for_orchestration"
    return None, row["ended_as"] or "complete"


async def reset_step(conn: Connection, step_uuid: UUID, actor: str, reason: str) -> ByHand:
    """Send a step in error, or one that waits for its retry, to the workers with its attempts at zero."""
    row = await conn.fetchrow(
        "SELECT old_state::text, done FROM tasker.reset_steps(ARRAY[$1::uuid], $2, $3)",
        step_uuid,
        actor,
        reason,
    )
    return ByHand(None, False) if row is None else ByHand(*row)


async def complete_step(
    conn: Connection,
    task_uuid: UUID,
    step_uuid: UUID,
    actor: str,
    reason: str,
    state: Literal["complete", "resolved_manually"],
    *,
    result: str | None = None,
    details: str | None = None,
) -> ByHand:
    """End a step by hand in one of two states, with a result (JSON text) or without one.

    Raises OutcomeRefused where the step is a decision or an analyzer and the result asks for what can't be.
    """
    try:
        row = await conn.fetchrow(
            "SELECT old_state::text, done FROM tasker.end_step_by_hand($1, $2, $3, $4, $5, $6, $7)",
            task_uuid,
            step_uuid,
            state == "complete",
            result,
            details,
            actor,
            reason,
        )
    except asyncpg.PostgresError as error:
        if error.sqlstate == OUTCOME_REFUSED:
            raise OutcomeRefused(error.message) from None
        raise
    assert row is not None
    return ByHand(*row)
