"""Dead letters: tasks that need somebody, and what somebody decides about them (reference 5.1, 8.4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from engine.api.answers import answer, answer_list, documented, json_body
from engine.api.bodies import parse, read_json
from engine.api.errors import ApiProblem, bad_payload, not_found
from engine.api.services import Api
from engine.messaging.channels import READY
from engine.model.payload import PayloadRejected, dump_json
from engine.model.wire.dead_letters import (
    DlqAction,
    DlqAddRequest,
    DlqChange,
    DlqEntry,
    DlqInvestigationQueueEntry,
    DlqInvestigationUpdate,
    DlqResolutionStatus,
    DlqStats,
    StalenessMonitoring,
)
from engine.store import dead_letters
from engine.store.dead_letters import DlqFilter, Notes
from engine.store.pool import Connection, retry_deadlock, transaction

router = APIRouter(prefix="/v1/dlq", tags=["dead letters"])

REASON_LIMIT = 500
Limit = Annotated[int, Query(ge=1, le=1_000)]


@router.get("", response_class=Response, responses=documented(400, ok=list[DlqEntry]))
async def list_dead_letters(
    api: Api,
    resolution_status: DlqResolutionStatus | None = None,
    namespace: Annotated[str | None, Query(max_length=255)] = None,
    template: Annotated[str | None, Query(max_length=255)] = None,
    assignee: Annotated[str | None, Query(max_length=255)] = None,
    limit: Limit = 50,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    """Dead letters, the newest first."""
    which = DlqFilter(resolution_status, namespace, template, assignee)
    async with api.database.acquire() as conn:
        return answer_list(await dead_letters.list_entries(conn, which, limit=limit, offset=offset))


@router.get("/stats", response_class=Response, responses=documented(ok=list[DlqStats]))
async def read_stats(api: Api) -> Response:
    """How many dead letters there are of each reason, how they ended, and how long that took."""
    async with api.database.acquire() as conn:
        return answer_list(await dead_letters.dlq_stats(conn))


@router.get(
    "/investigation-queue",
    response_class=Response,
    responses=documented(400, ok=list[DlqInvestigationQueueEntry]),
)
async def read_queue(api: Api, limit: Limit = 100) -> Response:
    """The open dead letters, the most urgent first."""
    async with api.database.acquire() as conn:
        return answer_list(await dead_letters.investigation_queue(conn, limit))


@router.get("/staleness", response_class=Response, responses=documented(400, ok=list[StalenessMonitoring]))
async def read_staleness(api: Api, limit: Limit = 100) -> Response:
    """How long tasks that wait or run are in their state, the stale ones first."""
    async with api.database.acquire() as conn:
        return answer_list(await dead_letters.staleness(conn, limit))


@router.get("/task/{task_uuid}", response_class=Response, responses=documented(400, 404, ok=DlqEntry))
async def read_dead_letter_of_task(task_uuid: UUID, api: Api) -> Response:
    """The open dead letter of a task, else its latest one."""
    async with api.database.acquire() as conn:
        entry = await dead_letters.entry_of_task(conn, task_uuid)
    if entry is None:
        raise not_found(f"a dead letter of task {task_uuid}", "GET /v1/dlq lists those that there are")
    return answer(entry)


@router.post(
    "/task/{task_uuid}",
    response_class=Response,
    responses=documented(400, 404, 415, 422, ok=DlqChange),
    openapi_extra=json_body(DlqAddRequest),
)
async def add_dead_letter(task_uuid: UUID, request: Request, api: Api) -> Response:
    """Put a task among the dead letters by hand. It is not stopped: pause or cancel it for that."""
    body = parse(DlqAddRequest, await read_json(request))

    async def add(conn: Connection) -> bool:
        added = await dead_letters.add_by_hand(conn, task_uuid, body.actor, body.reason, body.assignee)
        if added == "missing":
            raise not_found(f"task {task_uuid}")
        if added == "ended":
            raise ApiProblem(400, f"task {task_uuid} has ended: there is nothing to look into")
        return added == "made"

    async def found(conn: Connection) -> DlqEntry | None:
        return await dead_letters.entry_of_task(conn, task_uuid)

    async with api.database.acquire() as conn:
        return await _changed(conn, add, found, dry_run=body.dry_run)


@router.patch(
    "/entry/{dlq_entry_uuid}",
    response_class=Response,
    responses=documented(400, 404, 415, 422, ok=DlqChange),
    openapi_extra=json_body(DlqInvestigationUpdate),
)
async def update_dead_letter(dlq_entry_uuid: UUID, request: Request, api: Api) -> Response:
    """Take a dead letter on, note what was found, or close it: then its task goes on or ends, as decided."""
    body = parse(DlqInvestigationUpdate, await read_json(request))
    wrote = Notes(
        body.resolution_notes,
        body.resolved_by,
        None if body.metadata is None else _stored(body.metadata),
        body.assignee,
        "assignee" in body.model_fields_set,
    )

    async def update(conn: Connection) -> bool:
        # The task's rows are locked before the dead letter's, as everywhere.
        closed = body.resolution is not None and await _close(conn, dlq_entry_uuid, body, *body.resolution)
        if body.resolution_status is DlqResolutionStatus.PENDING:
            await _refuse_reopening(conn, dlq_entry_uuid)
        return await dead_letters.write_on(conn, dlq_entry_uuid, wrote) or closed

    async def found(conn: Connection) -> DlqEntry | None:
        return await dead_letters.get_entry(conn, dlq_entry_uuid)

    async with api.database.acquire() as conn:
        response = await _changed(conn, update, found, dry_run=body.dry_run)
    api.notifier.wake(READY)
    return response


async def _close(
    conn: Connection,
    entry: UUID,
    body: DlqInvestigationUpdate,
    status: DlqResolutionStatus,
    action: DlqAction,
) -> bool:
    reason = (body.resolution_notes or f"dead letter {status}")[:REASON_LIMIT]
    outcome = await dead_letters.resolve(conn, entry, status, action, body.resolved_by or "api", reason)
    if outcome == "closed":
        there = await dead_letters.get_entry(conn, entry)
        if there is not None and there.resolution_status is not status:
            raise ApiProblem(400, f"dead letter {entry} is closed: it was {there.resolution_status}")
    elif outcome == "nothing_failed":
        raise ApiProblem(
            400, "no step of its task has failed: there is nothing to retry", hint="use the action none"
        )
    elif outcome == "busy":
        raise ApiProblem(
            409, "a result of its task has just come and is being looked at", hint="try again in a second"
        )
    return outcome == "done"


async def _refuse_reopening(conn: Connection, entry: UUID) -> None:
    there = await dead_letters.get_entry(conn, entry)
    if there is not None and there.resolution_status is not DlqResolutionStatus.PENDING:
        raise ApiProblem(
            400,
            f"dead letter {entry} is closed: it was {there.resolution_status}",
            hint=f"POST /v1/dlq/task/{there.task_uuid} makes a new one",
        )


async def _changed(
    conn: Connection,
    change: Callable[[Connection], Awaitable[bool]],
    find: Callable[[Connection], Awaitable[DlqEntry | None]],
    *,
    dry_run: bool,
) -> Response:
    """Make a change in one transaction, which a dry run undoes."""

    async def attempt() -> DlqChange:
        async with transaction(conn, undo=dry_run):
            changed = await change(conn)
            entry = await find(conn)
            if entry is None:
                raise not_found("the dead letter", "GET /v1/dlq lists those that there are")
            return DlqChange(changed=changed, dry_run=dry_run, entry=entry)

    return answer(await retry_deadlock(attempt))


def _stored(metadata: object) -> str:
    try:
        return dump_json(metadata)
    except PayloadRejected as error:
        raise bad_payload("metadata", error) from None
