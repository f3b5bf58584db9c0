"""Why steps are where they are (migrations/functions/explain_steps.sql)."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from engine.model.payload import load_json
from engine.model.whys import WHY_FILTERS
from engine.model.wire.details import StepWhy, TaskWhy
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


async def why_tasks(conn: Connection, task_uuids: Collection[UUID]) -> list[TaskWhy]:
    """The most telling reason of each task that is not done; tasks without one are left out."""
    rows = await conn.fetch(
        "SELECT task_uuid, step_uuid, name, state::text, kind, sentence, data "
        "FROM tasker.why_tasks($1, $2, $3)",
        list(set(task_uuids)),
        WORKER_ALIVE,
        WHY_FILTERS,
    )
    return [TaskWhy(**{**row, "data": load_json(row["data"])}) for row in rows]
