"""The newest runs of a template beside each other, step by step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from engine.model.states import StepState, TaskState
from engine.model.wire.comparison import Grid, GridCell, GridColumn, GridRun
from engine.store.pool import Connection
from engine.store.task_filter import TaskFilter
from engine.store.task_list import PageRequest, page_of

MOST_CELLS = 50_000
"""Of a grid: where a template has many steps, fewer runs are shown at once."""

URGENCY = (
    "error", "waiting_for_retry", "in_progress", "enqueued_as_error_for_orchestration",
    "enqueued_for_orchestration", "enqueued", "pending", "cancelled", "resolved_manually", "complete",
)  # fmt: skip
"""States in the order in which steps that share a cell are told of."""

_TEMPLATE = """
    SELECT template_id, revision_id, tasker.now() AS now
    FROM tasker.templates WHERE namespace = $1 AND name = $2 AND version = $3
"""

_COLUMNS = "SELECT name, step_type FROM tasker.template_steps WHERE revision_id = $1 ORDER BY position"

_RUNS = """
    SELECT task_uuid, state::text AS state, created_at, completed_at
    FROM tasker.tasks WHERE task_uuid = ANY ($1) ORDER BY task_uuid DESC
"""

_CELLS = """
    SELECT s.task_uuid, ts.name, ts.step_type, min(array_position($2::text[], s.state::text)) AS urgency,
           count(*)::int AS steps, max(s.attempts) AS attempts,
           (extract(epoch FROM max(
                CASE WHEN s.state IN ('complete', 'cancelled') THEN s.completed_at
                     WHEN s.state IN ('pending', 'enqueued') THEN NULL
                     WHEN s.state = 'in_progress' THEN tasker.now()
                     ELSE s.last_failure_at END)
            - min(s.last_attempted_at)) * 1000)::bigint AS ms
    FROM unnest($1::uuid[]) AS t(task_uuid)
    CROSS JOIN LATERAL (SELECT * FROM tasker.steps s WHERE s.task_uuid = t.task_uuid OFFSET 0) s
    JOIN tasker.template_steps ts USING (template_step_id)
    GROUP BY 1, 2, 3
"""


async def read_grid(
    conn: Connection,
    namespace: str,
    template: str,
    version: str,
    *,
    states: frozenset[TaskState],
    before: UUID | None,
    limit: int,
) -> Grid | None:
    """The newest runs, of those that are older than `before`; None: there is no such template."""
    found = await conn.fetchrow(_TEMPLATE, namespace, template, version)
    if found is None:
        return None
    columns = {row[0]: row[1] for row in await conn.fetch(_COLUMNS, found["revision_id"])}
    limit = max(1, min(limit, MOST_CELLS // max(1, len(columns))))
    wanted = TaskFilter(template_ids=[found["template_id"]], states=states)
    page = await page_of(conn, wanted, PageRequest(limit, before=before))
    uuids = page[:limit]
    cells: dict[UUID, dict[str, GridCell]] = defaultdict(dict)
    for row in await conn.fetch(_CELLS, uuids, list(URGENCY)):
        # Runs of older revisions may have steps that the newest one lacks.
        columns.setdefault(row["name"], row["step_type"])
        cells[row["task_uuid"]][row["name"]] = _cell(row)
    runs = await conn.fetch(_RUNS, uuids)
    return Grid(
        namespace=namespace,
        template=template,
        version=version,
        calculated_at=found["now"],
        columns=[GridColumn(step=name, step_type=kind) for name, kind in columns.items()],
        runs=[_run(row, cells[row["task_uuid"]], list(columns), found) for row in runs],
        next_before=uuids[-1] if len(page) > limit else None,
    )


def _cell(row: asyncpg.Record) -> GridCell:
    return GridCell(
        state=StepState(URGENCY[row["urgency"] - 1]),
        steps=row["steps"],
        attempts=row["attempts"],
        duration_ms=None if row["ms"] is None else max(0, row["ms"]),
    )


def _run(
    row: asyncpg.Record, cells: dict[str, GridCell], columns: Sequence[str], found: asyncpg.Record
) -> GridRun:
    took = (row["completed_at"] or found["now"]) - row["created_at"]
    return GridRun(
        **row,
        duration_ms=max(0, round(took.total_seconds() * 1000)),
        cells=[cells.get(name) for name in columns],
    )
