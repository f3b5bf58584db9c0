"""Why steps are where they are (migrations/functions/why_steps.sql)."""

from __future__ import annotations

from uuid import UUID

from engine.model.payload import load_json
from engine.model.wire.details import StepWhy
from engine.store.engine_calls import WORKER_ALIVE
from engine.store.pool import Connection


async def why_steps(conn: Connection, task_uuid: UUID) -> list[StepWhy]:
    """The reason of every step that has not ended; empty when all have, or there is no such task."""
    rows = await conn.fetch(
        "SELECT step_uuid, name, state::text, kind, sentence, data FROM tasker.why_steps($1, $2)",
        task_uuid,
        WORKER_ALIVE,
    )
    return [StepWhy(**{**row, "data": load_json(row["data"])}) for row in rows]
