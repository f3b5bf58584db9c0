"""Failed steps in groups by what their errors have in common."""

from __future__ import annotations

from datetime import datetime

from pydantic_core import from_json

from engine.model.wire.failures import TREND_BUCKETS, FailureGroup, FailureList
from engine.store.pool import Connection

_TREND = """
    SELECT f.signature,
           least(floor(extract(epoch FROM f.failed_at - (n - interval '1 hour')) / $4::float8)::int, $5::int),
           count(*)::int
    FROM tasker.now() n
    JOIN tasker.failed_steps f ON f.failed_at > n - interval '1 hour'
    JOIN tasker.templates tp USING (template_id)
    CROSS JOIN LATERAL (SELECT FROM tasker.tasks t
                        WHERE t.task_uuid = f.task_uuid AND t.completed_at IS NULL LIMIT 1) t
    WHERE f.signature = ANY ($1) AND ($2::text IS NULL OR tp.namespace = $2)
      AND ($3::text IS NULL OR tp.name = $3) AND ($6::timestamptz IS NULL OR f.failed_at >= $6)
    GROUP BY 1, 2
"""


async def failure_groups(
    conn: Connection, *, namespace: str | None, template: str | None, since: datetime | None, limit: int
) -> FailureList:
    """The groups of failed steps whose tasks have not ended, the largest first."""
    rows = await conn.fetch(
        "SELECT * FROM tasker.failures($1, $2, $3, $4)", namespace, template, since, limit
    )
    trends: dict[str, list[int]] = {row["signature"]: [0] * TREND_BUCKETS for row in rows}
    seconds, last = 3600 / TREND_BUCKETS, TREND_BUCKETS - 1
    counted = await conn.fetch(_TREND, list(trends), namespace, template, seconds, last, since)
    for signature, bucket, number in map(tuple, counted):
        trends[signature][bucket] += number
    return FailureList(
        groups=[
            FailureGroup.model_validate(
                dict(row)
                | {"places": from_json(row["places"]), "sample": from_json(row["sample"])}
                | {"trend": trends[row["signature"]]}
            )
            for row in rows
        ]
    )
