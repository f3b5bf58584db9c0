"""The transitions that the database allows are those of the model."""

from __future__ import annotations

from uuid import uuid4

import asyncpg
import pytest

from engine.model.states import STEP_TRANSITIONS, TASK_TRANSITIONS
from engine.store.pool import Connection


@pytest.mark.parametrize(
    ("table", "pairs"),
    [("task_transitions_allowed", TASK_TRANSITIONS), ("step_transitions_allowed", STEP_TRANSITIONS)],
)
async def test_database_and_model_allow_the_same(
    conn: Connection, table: str, pairs: frozenset[tuple[str, str]]
) -> None:
    rows = await conn.fetch(f"SELECT from_state::text, to_state::text FROM tasker.{table}")
    assert {tuple(row) for row in rows} == {(str(start), str(end)) for start, end in pairs}


@pytest.mark.parametrize(
    ("column", "path"),
    [
        ("task_path", ["complete", "steps_in_process"]),
        ("task_path", ["initializing"]),
        ("step_path", ["complete", "in_progress"]),
        ("step_path", ["pending", "enqueued", "complete", "in_progress"]),
    ],
)
async def test_the_log_refuses_every_other_path(conn: Connection, column: str, path: list[str]) -> None:
    step = uuid4() if column == "step_path" else None
    with pytest.raises(asyncpg.CheckViolationError, match=f"{column}_allowed"):
        await conn.execute(
            f"INSERT INTO tasker.transitions (task_uuid, step_uuid, {column}, at) VALUES ($1, $2, $3, now())",
            uuid4(),
            step,
            path,
        )
