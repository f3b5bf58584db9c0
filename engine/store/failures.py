"""Failed steps in groups by what their errors have in common."""

from __future__ import annotations

from datetime import datetime

import asyncpg
from pydantic_core import from_json

from engine.model.wire.failures import (
    TREND_BUCKETS,
    FailureGroup,
    FailureList,
    FailureTriage,
    TriageRequest,
)
from engine.store.pool import Connection

SHOWN_NOTES = 20

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
_TRIAGE = """
    SELECT t.signature, t.state, t.owner, t.changed_by, t.changed_at, n.notes
    FROM tasker.failure_triage t
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_agg(to_jsonb(n) - 'note_id' ORDER BY n.note_id DESC), '[]') AS notes
        FROM (SELECT n.note_id, n.note, n.noted_by, n.noted_at
              FROM tasker.failure_notes n WHERE n.signature = t.signature
              ORDER BY n.note_id DESC LIMIT $2) n) n
    WHERE t.signature = ANY ($1)
"""
_KNOWN = """
    SELECT EXISTS (SELECT FROM tasker.failed_steps WHERE signature = $1)
        OR EXISTS (SELECT FROM tasker.failure_triage WHERE signature = $1)
"""
_CHANGE = """
    INSERT INTO tasker.failure_triage AS t (signature, state, owner, changed_by, changed_at)
    VALUES ($1, coalesce($2, 'new'), $3, $5, tasker.now())
    ON CONFLICT (signature) DO UPDATE
    SET state = coalesce($2, t.state), owner = CASE WHEN $4 THEN $3 ELSE t.owner END,
        changed_by = $5, changed_at = tasker.now()
"""
_NOTE = """
    INSERT INTO tasker.failure_notes (signature, note, noted_by, noted_at) VALUES ($1, $2, $3, tasker.now())
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
    triage = await _triage(conn, [row["signature"] for row in rows])
    return FailureList(groups=[_group(row, trends[row["signature"]], triage) for row in rows])


async def is_known(conn: Connection, signature: str) -> bool:
    """Whether steps failed this way, or did so once and somebody cared for it."""
    found: bool = await conn.fetchval(_KNOWN, signature)
    return found


async def triage(conn: Connection, change: TriageRequest) -> FailureTriage:
    """Change what is known of a group, and return it."""
    owner_given = "owner" in change.model_fields_set
    async with conn.transaction():
        await conn.execute(_CHANGE, change.signature, change.state, change.owner, owner_given, change.actor)
        if change.note is not None:
            await conn.execute(_NOTE, change.signature, change.note, change.actor)
        return (await _triage(conn, [change.signature]))[change.signature]


async def _triage(conn: Connection, signatures: list[str]) -> dict[str, FailureTriage]:
    rows = await conn.fetch(_TRIAGE, signatures, SHOWN_NOTES)
    return {
        row["signature"]: FailureTriage.model_validate(
            {key: row[key] for key in ("state", "owner", "changed_by", "changed_at")}
            | {"notes": from_json(row["notes"])}
        )
        for row in rows
    }


def _group(row: asyncpg.Record, trend: list[int], triage: dict[str, FailureTriage]) -> FailureGroup:
    fields = dict(row) | {"places": from_json(row["places"]), "sample": from_json(row["sample"])}
    known = triage.get(row["signature"])
    more = {"trend": trend} | ({"triage": known} if known else {})
    return FailureGroup.model_validate(fields | more)
