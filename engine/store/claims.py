"""What a worker asks of the database: claim, submit, heartbeat, give back (migrations/functions)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from engine.store.crash_points import crash_point
from engine.store.pool import Connection

DEPENDENCY_LIMIT = 16 * 1024 * 1024
"""Bytes of all dependency results of one step."""

MAX_CHAIN = 16
"""Hand-overs in a row before a step goes through the queue, so that older work gets its turn."""

_CLAIM = "SELECT * FROM tasker.claim_steps($1, $2, $3, $4, $5, $6, $7)"
_SUBMIT = (
    "SELECT * FROM tasker.submit_results("
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
)
_HEARTBEAT = "SELECT * FROM tasker.heartbeat($1, $2, $3, $4, $5, $6, $7)"
_CHECKPOINT = "SELECT tasker.keep_checkpoint($1, $2, $3, $4)"
_TAKE_BACK = "SELECT tasker.take_back_steps($1, $2, $3, false, $4)"


class ClaimedStep(NamedTuple):
    """A step that the worker holds a lease on. The JSON fields are text.

    `dependencies` maps the direct parents' names to their data; None when they are too large.
    """

    step_uuid: UUID
    task_uuid: UUID
    claim_no: int
    attempt: int
    chain: int
    template_step_id: int
    name: str
    correlation_id: UUID
    context: str
    dependencies: str | None
    inputs: str | None
    checkpoint: str | None


class FinishedStep(NamedTuple):
    """A result to submit, as JSON text: the handler's data; `details` is what a plain success lacks; `events`
    is an array of the domain events that are stored with it."""

    step_uuid: UUID
    claim_no: int
    success: bool
    result: str | None
    details: str | None
    execution_ms: int
    events: str | None = None


class RefusedResult(NamedTuple):
    """A result that was not stored: the step is somebody else's by now ('stale') or was 'cancelled'."""

    step_uuid: UUID
    claim_no: int
    reason: str


@dataclass(slots=True)
class SubmitAnswer:
    """What a submit led to: the steps that the worker now holds, what was refused, and how many steps
    went to the queue and to the engines."""

    held: list[ClaimedStep] = field(default_factory=list)
    refused: list[RefusedResult] = field(default_factory=list)
    queued: int = 0
    left_over: int = 0


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """Who claims, and for what."""

    worker_uuid: UUID
    namespaces: list[str]
    handlers: list[str]
    lease: timedelta


async def claim(conn: Connection, worker: WorkerIdentity, call: UUID, limit: int) -> list[ClaimedStep]:
    """Lease up to `limit` ready steps. What a lost answer gave comes back when its lease ends."""
    crash_point("claim.before")
    rows = await conn.fetch(
        _CLAIM,
        worker.worker_uuid,
        call,
        worker.namespaces,
        worker.handlers,
        limit,
        worker.lease,
        DEPENDENCY_LIMIT,
    )
    crash_point("claim.after")
    return [ClaimedStep(*row) for row in rows]


async def submit(
    conn: Connection,
    worker: WorkerIdentity,
    call: UUID,
    results: Sequence[FinishedStep],
    *,
    keep: int,
    claim: int,
) -> SubmitAnswer:
    """Store results and take what follows: up to `keep` hand-overs and `claim` more ready steps.

    Sent again with the same `call` and the same results it changes nothing and gives the same hand-overs.
    """
    steps, claims, success, data, details, execution_ms, events = zip(*results, strict=True)
    crash_point("submit.before")
    rows = await conn.fetch(
        _SUBMIT, worker.worker_uuid, call, steps, claims, success, data, details, execution_ms,
        keep, claim, worker.namespaces, worker.handlers, worker.lease, MAX_CHAIN, DEPENDENCY_LIMIT,
        events if any(events) else None,
    )  # fmt: skip
    crash_point("submit.after")
    answer = SubmitAnswer()
    for outcome, *row in rows:
        if outcome in ("handed", "claimed"):
            answer.held.append(ClaimedStep(*row))
        elif outcome == "queued":
            answer.queued = row[2]
        elif outcome == "left_over":
            answer.left_over = row[2]
        else:
            answer.refused.append(RefusedResult(row[0], row[2], outcome))
    return answer


async def heartbeat(
    conn: Connection,
    worker: WorkerIdentity,
    *,
    busy: int,
    stuck: int,
    state: str,
    steps: Sequence[UUID],
    claims: Sequence[int],
) -> list[RefusedResult]:
    """Renew the leases of exactly these claims; answers those that the worker no longer holds."""
    crash_point("heartbeat.before")
    rows = await conn.fetch(_HEARTBEAT, worker.worker_uuid, busy, stuck, state, steps, claims, worker.lease)
    crash_point("heartbeat.after")
    return [RefusedResult(*row) for row in rows]


async def lift_deadlines(conn: Connection, worker: WorkerIdentity) -> None:
    """Let the worker keep what it holds for as long as it renews its leases: time-outs do not end them."""
    await conn.execute(
        "UPDATE tasker.leases SET deadline = 'infinity' WHERE worker_uuid = $1 AND deadline < 'infinity'",
        worker.worker_uuid,
    )


async def keep_checkpoint(
    conn: Connection, worker: WorkerIdentity, step_uuid: UUID, claim_no: int, checkpoint: str
) -> str | None:
    """Keep where a handler stopped (JSON text); answers it with its history, None if the step is lost."""
    crash_point("checkpoint.before")
    kept: str | None = await conn.fetchval(_CHECKPOINT, step_uuid, claim_no, checkpoint, worker.lease)
    crash_point("checkpoint.after")
    return kept


async def give_back(
    conn: Connection,
    worker: WorkerIdentity,
    steps: Sequence[UUID],
    claims: Sequence[int],
    begun: Sequence[bool],
) -> int:
    """Give claims back before their lease ends; a begun attempt counts as `worker_lost`. Returns how many."""
    crash_point("give_back.before")
    taken: int = await conn.fetchval(_TAKE_BACK, steps, claims, begun, f"worker:{worker.worker_uuid}")
    crash_point("give_back.after")
    return taken
