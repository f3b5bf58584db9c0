"""`GET /v1/statistics`: what happened over time; `/templates` of it: how each template did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from engine.api.answers import answer, documented
from engine.api.errors import ApiProblem
from engine.api.services import Api
from engine.model.wire.base import NaiveIsUtc
from engine.model.wire.statistics import Statistics, TemplateStatistics
from engine.store.statistics import Span, read_statistics
from engine.store.stats import roll_up
from engine.store.task_list import template_ids
from engine.store.template_statistics import read_template_statistics

router = APIRouter(prefix="/v1", tags=["analytics"])

Bucket = Literal["1m", "5m", "15m", "1h", "6h", "1d"]
SIZES: dict[Bucket, timedelta] = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
}
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Where buckets are counted from: they begin at whole minutes, hours and days of UTC."""

MOST_BUCKETS, USUAL_BUCKETS = 1_500, 120
MINUTES_KEPT = timedelta(hours=24)


@router.get("/statistics", response_class=Response, responses=documented(400, ok=Statistics))
async def show_statistics(
    api: Api,
    start: Annotated[
        NaiveIsUtc | None, Query(alias="from", description="An hour before `to` if left out")
    ] = None,
    end: Annotated[NaiveIsUtc | None, Query(alias="to", description="Now if left out")] = None,
    bucket: Annotated[Bucket | None, Query(description="Chosen by the span if left out")] = None,
    namespace: Annotated[str | None, Query(max_length=255)] = None,
    template: Annotated[str | None, Query(max_length=255, description="Its name; all versions count")] = None,
) -> Response:
    """Tasks and steps by what became of them, and how long they took, over time; and what there is to do."""
    async with api.database.acquire() as conn:
        now: datetime = await conn.fetchval("SELECT tasker.now()")
        span = _span(start, end, bucket, now)
        await roll_up(conn)
        found = await read_statistics(
            conn,
            span,
            template_ids=await template_ids(conn, namespace, template, None),
            namespace=namespace,
            one_template=template is not None,
        )
    return answer(found)


@router.get(
    "/statistics/templates", response_class=Response, responses=documented(400, ok=TemplateStatistics)
)
async def show_template_statistics(
    api: Api, hours: Annotated[int, Query(ge=1, le=720, description="How far back to look")] = 24
) -> Response:
    """Every template: how many tasks it had, how they ended, how long they took, and when the last began."""
    async with api.database.acquire() as conn:
        now: datetime = await conn.fetchval("SELECT tasker.now()")
        size = SIZES["1m"] if timedelta(hours=hours) < MINUTES_KEPT else SIZES["1h"]
        start = now - timedelta(hours=hours)
        await roll_up(conn)
        return answer(await read_template_statistics(conn, start - (start - EPOCH) % size, now))


def _span(start: datetime | None, end: datetime | None, bucket: Bucket | None, now: datetime) -> Span:
    """The buckets that are asked for; raises 400 for what cannot be."""
    end = end or now
    start = start or end - timedelta(hours=1)
    if start >= end:
        raise ApiProblem(400, "from must be before to", hint="swap them")
    fine = start >= now - MINUTES_KEPT
    if bucket is None:
        sizes = [size for size in SIZES.values() if fine or size >= SIZES["1h"]]
        size = next((one for one in sizes if (end - start) / one <= USUAL_BUCKETS), sizes[-1])
    else:
        size = SIZES[bucket]
        if size < SIZES["1h"] and not fine:
            raise ApiProblem(
                400, f"bucket: {bucket} reaches back for 24 hours only", hint="ask for bucket=1h, or later"
            )
    first = start - (start - EPOCH) % size
    if (end - first) / size > MOST_BUCKETS:
        raise ApiProblem(
            400, f"that would be more than {MOST_BUCKETS:,} buckets", hint="ask for a larger bucket"
        )
    return Span(first, end, size)
