"""`/v1/failures`: what has failed, in groups, and what operators make of each."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from engine.api.answers import answer, documented, json_body
from engine.api.bodies import parse, read_json
from engine.api.errors import not_found
from engine.api.services import Api
from engine.model.wire.base import NaiveIsUtc
from engine.model.wire.failures import FailureList, FailureTriage, TriageRequest
from engine.store.failures import failure_groups, is_known, triage
from engine.store.pool import retry_deadlock

router = APIRouter(prefix="/v1/failures", tags=["failures"])


@router.get("", response_class=Response, responses=documented(400, ok=FailureList))
async def read_failures(
    api: Api,
    namespace: str | None = None,
    template: str | None = None,
    since: Annotated[NaiveIsUtc | None, Query(description="Only failures from then on")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """Failed steps of tasks that have not ended, grouped by signature, the largest group first."""
    async with api.database.acquire() as conn:
        return answer(
            await failure_groups(conn, namespace=namespace, template=template, since=since, limit=limit)
        )


@router.patch(
    "",
    response_class=Response,
    responses=documented(400, 404, 415, 422, ok=FailureTriage),
    openapi_extra=json_body(TriageRequest),
)
async def triage_failures(request: Request, api: Api) -> Response:
    """Say whose a group of failures is, how far it is, or what was found out; kept when the group empties."""
    body = parse(TriageRequest, await read_json(request))
    async with api.database.acquire() as conn:
        if not await is_known(conn, body.signature):
            raise not_found("a group of failures with this signature", "GET /v1/failures lists the groups")
        return answer(await retry_deadlock(lambda: triage(conn, body)))
