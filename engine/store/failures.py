"""Failed steps in groups by what their errors have in common."""

from __future__ import annotations

from datetime import datetime

from pydantic_core import from_json

from engine.model.wire.failures import FailureGroup, FailureList
from engine.store.pool import Connection


async def failure_groups(
    conn: Connection, *, namespace: str | None, template: str | None, since: datetime | None, limit: int
) -> FailureList:
    """The groups of failed steps whose tasks have not ended, the largest first."""
    rows = await conn.fetch(
        "SELECT * FROM tasker.failures($1, $2, $3, $4)", namespace, template, since, limit
    )
    return FailureList(
        groups=[
            FailureGroup.model_validate(
                dict(row) | {"places": from_json(row["places"]), "sample": from_json(row["sample"])}
            )
            for row in rows
        ]
    )
