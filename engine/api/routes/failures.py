"""`GET /v1/failures`: what has failed, in groups."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from engine.api.answers import answer, documented
from engine.api.services import Api
from engine.model.wire.base import NaiveIsUtc
from engine.model.wire.failures import FailureList
from engine.store.failures import failure_groups

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
