"""Operators' verbs on many tasks: preview, run, stop, go on, and what became of each item."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from engine.api.answers import answer, documented, json_body
from engine.api.bodies import parse, read_json
from engine.api.errors import ApiProblem, bad_payload, not_found
from engine.api.parameters import MAX_ID
from engine.api.services import Api, Services
from engine.messaging.channels import BULK
from engine.model.payload import PayloadRejected
from engine.model.wire.bulk import (
    BulkAnswer,
    BulkChangeRequest,
    BulkDetail,
    BulkItemPage,
    BulkList,
    BulkOperation,
    BulkOutcome,
    BulkPreviewRequest,
    BulkRunRequest,
    BulkState,
)
from engine.store import bulk
from engine.store.bulk_selection import SelectionRefused, select_items
from engine.store.pool import Connection

log = logging.getLogger("tasker.api")

router = APIRouter(prefix="/v1/bulk", tags=["bulk"])


@router.post(
    "/preview",
    response_class=Response,
    responses=documented(400, 415, 422, created=BulkDetail),
    openapi_extra=json_body(BulkPreviewRequest),
)
async def preview(request: Request, api: Api) -> Response:
    """Select tasks or steps for a verb, keep the selection for 15 minutes, and say what the verb would do."""
    asked = parse(BulkPreviewRequest, await read_json(request))
    async with api.database.acquire() as conn:
        try:
            bulk_uuid = await select_items(conn, asked, api.settings.server.bulk_limit)
        except SelectionRefused as error:
            raise ApiProblem(422, str(error), hint=error.hint) from None
        except PayloadRejected as error:
            raise bad_payload("result", error) from None
        return answer(await _operation(conn, bulk_uuid), 201)


@router.post(
    "/{bulk_uuid}/run",
    response_class=Response,
    responses=documented(400, 404, 409, 415, 422, ok=BulkAnswer),
    openapi_extra=json_body(BulkRunRequest, required=False),
)
async def run(bulk_uuid: UUID, request: Request, api: Api) -> Response:
    """Have the engines do the verb on what was selected. Run again, it answers the same operation."""
    raw = await read_json(request)
    body = parse(BulkRunRequest, raw) if raw else BulkRunRequest()
    async with api.database.acquire() as conn:
        changed, operation = await _change(
            conn, bulk_uuid, lambda: bulk.start(conn, bulk_uuid, body), dry_run=body.dry_run
        )
    if not changed and operation.state is BulkState.PREVIEWED:
        raise ApiProblem(
            409,
            f"the selection {bulk_uuid} expired at {operation.expires_at:%H:%M:%S} UTC",
            hint="preview again: what it would select may have changed",
        )
    return _answer(api, changed, body.dry_run, operation)


@router.post(
    "/{bulk_uuid}/stop",
    response_class=Response,
    responses=documented(400, 404, 415, 422, ok=BulkAnswer),
    openapi_extra=json_body(BulkChangeRequest, required=False),
)
async def stop(bulk_uuid: UUID, request: Request, api: Api) -> Response:
    """Stop after the items that are being done; `/resume` goes on with the next."""
    body = await _change_request(request)
    async with api.database.acquire() as conn:
        changed, operation = await _change(
            conn, bulk_uuid, lambda: bulk.stop(conn, bulk_uuid, body.reason, body.actor), dry_run=body.dry_run
        )
    return _answer(api, changed, body.dry_run, operation)


@router.post(
    "/{bulk_uuid}/resume",
    response_class=Response,
    responses=documented(400, 404, 409, 415, 422, ok=BulkAnswer),
    openapi_extra=json_body(BulkChangeRequest, required=False),
)
async def resume(bulk_uuid: UUID, request: Request, api: Api) -> Response:
    """Let a stopped operation go on where it stopped."""
    body = await _change_request(request)
    async with api.database.acquire() as conn:
        changed, operation = await _change(
            conn, bulk_uuid, lambda: bulk.resume(conn, bulk_uuid), dry_run=body.dry_run
        )
    if not changed and operation.state is BulkState.PREVIEWED:
        raise ApiProblem(
            409, f"bulk operation {bulk_uuid} was never run", hint=f"POST /v1/bulk/{bulk_uuid}/run begins it"
        )
    if changed and not body.dry_run:
        log.info("%s resumed bulk operation %s: %s", body.actor, bulk_uuid, body.reason)
    return _answer(api, changed, body.dry_run, operation)


@router.get("", response_class=Response, responses=documented(400, ok=BulkList))
async def read_operations(
    api: Api,
    state: Annotated[BulkState | None, Query(description="Only those; without it all that were run")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """Bulk operations, the newest first; selections that were not run are left out."""
    async with api.database.acquire() as conn:
        return answer(await bulk.list_operations(conn, state, limit))


@router.get("/{bulk_uuid}", response_class=Response, responses=documented(400, 404, ok=BulkDetail))
async def read_operation(bulk_uuid: UUID, api: Api) -> Response:
    """One bulk operation: its preview, how far it is, how fast, and when it will be done."""
    async with api.database.acquire() as conn:
        return answer(await _operation(conn, bulk_uuid))


@router.get("/{bulk_uuid}/items", response_class=Response, responses=documented(400, 404, ok=BulkItemPage))
async def read_items(
    bulk_uuid: UUID,
    api: Api,
    after: Annotated[int, Query(ge=0, le=MAX_ID, description="Only items with a higher number")] = 0,
    outcome: BulkOutcome | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
) -> Response:
    """The items of a bulk operation in their order, with what became of each."""
    async with api.database.acquire() as conn:
        await _operation(conn, bulk_uuid)
        return answer(await bulk.list_items(conn, bulk_uuid, after=after, outcome=outcome, limit=limit))


async def _change_request(request: Request) -> BulkChangeRequest:
    raw = await read_json(request)
    return parse(BulkChangeRequest, raw) if raw else BulkChangeRequest()


async def _operation(conn: Connection, bulk_uuid: UUID) -> BulkDetail:
    found = await bulk.get_operation(conn, bulk_uuid)
    if found is None:
        raise not_found(
            f"bulk operation {bulk_uuid}",
            "GET /v1/bulk lists those that were run; selections expire after 15 minutes, "
            "operations that ended are kept for 7 days",
        )
    return found


async def _change(
    conn: Connection, bulk_uuid: UUID, change: Callable[[], Awaitable[bool]], *, dry_run: bool
) -> tuple[bool, BulkDetail]:
    """Make a change and read what it led to; a dry run takes it back."""
    transaction = conn.transaction()
    await transaction.start()
    try:
        changed = await change()
        operation = await _operation(conn, bulk_uuid)
    except BaseException:
        await transaction.rollback()
        raise
    await (transaction.rollback() if dry_run else transaction.commit())
    return changed, operation


def _answer(api: Services, changed: bool, dry_run: bool, operation: BulkDetail) -> Response:
    if changed and not dry_run:
        api.notifier.wake(BULK)
    plain = BulkOperation.model_validate(operation.model_dump())
    return answer(BulkAnswer(changed=changed, dry_run=dry_run, operation=plain))
