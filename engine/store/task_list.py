"""Pages of tasks, the newest first, by key or by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from engine.model.readiness import StepCounts
from engine.model.wire.tasks import PaginationInfo, TaskListResponse
from engine.store.pool import Connection
from engine.store.task_filter import Alternative, Query, TaskFilter, alternatives, tasks_of, where
from engine.store.tasks import TASK_COLUMNS, count_steps_of, task_response

Count = Literal["exact", "estimate", "none"]

NO_STEPS = StepCounts(0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of the tasks: `page` by number (from 1), or those next to a uuid: `before` gives older ones,
    `after` newer ones. `size` is how many."""

    size: int
    page: int = 1
    before: UUID | None = None
    after: UUID | None = None

    @property
    def by_key(self) -> bool:
        """Whether a uuid says where the page begins."""
        return self.before is not None or self.after is not None


async def list_tasks(
    conn: Connection, wanted: TaskFilter, page: PageRequest, count: Count
) -> TaskListResponse:
    """One page of the tasks that a filter wants.

    `count` says how the total is made: by counting, by the planner's estimate, or not at all; it is then
    what this page shows that there is at least.
    """
    uuids = await page_of(conn, wanted, page)
    more = len(uuids) > page.size
    uuids = uuids[: page.size]
    if page.after is not None:
        uuids.reverse()
    rows = await _rows(conn, uuids)
    counts = await count_steps_of(conn, uuids)
    tasks = [task_response(row, counts.get(row["task_uuid"], NO_STEPS), []) for row in rows]
    has_next = more if page.after is None else await _any_older(conn, wanted, uuids)
    has_previous = more if page.after is not None else page.before is not None or page.page > 1
    known = (page.page - 1) * page.size + len(tasks) + (has_next and not page.by_key)
    total = await _total(conn, wanted, count, known)
    return TaskListResponse(
        tasks=tasks,
        pagination=PaginationInfo(
            page=page.page,
            per_page=page.size,
            total_count=total,
            total_pages=-(-total // page.size),
            has_next=has_next,
            has_previous=has_previous,
            next_cursor=str(uuids[-1]) if uuids and has_next else None,
        ),
    )


async def template_ids(
    conn: Connection, namespace: str | None, name: str | None, version: str | None
) -> list[int] | None:
    """The templates that a list is limited to; None when it is not."""
    if namespace is None and name is None and version is None:
        return None
    rows = await conn.fetch(
        """
        SELECT template_id FROM tasker.templates
        WHERE ($1::text IS NULL OR namespace = $1) AND ($2::text IS NULL OR name = $2)
          AND ($3::text IS NULL OR version = $3)
        """,
        namespace,
        name,
        version,
    )
    return [row[0] for row in rows]


async def template_ids_like(conn: Connection, text: str) -> list[int]:
    """The templates whose name contains a text, in upper or lower case."""
    rows = await conn.fetch(
        "SELECT template_id FROM tasker.templates WHERE position(lower($1) IN lower(name)) > 0", text
    )
    return [row[0] for row in rows]


async def page_of(conn: Connection, wanted: TaskFilter, page: PageRequest) -> list[UUID]:
    """The uuids of a page and of one task more, if there is one."""
    query = Query()
    order = "ASC" if page.after is not None else "DESC"
    limit, offset = page.size + 1, (page.page - 1) * page.size
    key = []
    if page.before is not None:
        key.append(f"t.task_uuid < {query.add(page.before)}")
    if page.after is not None:
        key.append(f"t.task_uuid > {query.add(page.after)}")
    parts = [_part(one, order, limit + offset) for one in alternatives(wanted, query, key)]
    if not parts:
        return []
    # An id and a name may fit the same task: then it must not be shown twice.
    union = " UNION ".join(parts)
    sql = f"SELECT task_uuid FROM ({union}) u ORDER BY 1 {order} LIMIT {limit} OFFSET {offset}"
    return [row[0] for row in await conn.fetch(sql, *query.values)]


async def _any_older(conn: Connection, wanted: TaskFilter, uuids: Sequence[UUID]) -> bool:
    return bool(uuids) and bool(await page_of(conn, wanted, PageRequest(0, before=uuids[-1])))


def _part(one: Alternative, order: str, limit: int) -> str:
    ordered = f"ORDER BY t.task_uuid {order} LIMIT {limit}"
    if one.templates is None:
        return f"(SELECT t.task_uuid FROM tasker.tasks t {where(one.conditions)} {ordered})"
    inner = where(("t.template_id = i.id", *one.conditions))
    return (
        f"(SELECT t.task_uuid FROM unnest({one.templates}::int[]) AS i(id) CROSS JOIN LATERAL "
        f"(SELECT t.task_uuid FROM tasker.tasks t {inner} "
        f"ORDER BY t.template_id {order}, t.task_uuid {order} LIMIT {limit}) t)"
    )


async def _rows(conn: Connection, uuids: Sequence[UUID]) -> list[asyncpg.Record]:
    rows = await conn.fetch(
        f"""
        SELECT {TASK_COLUMNS} FROM tasker.tasks t JOIN tasker.templates p USING (template_id)
        WHERE t.task_uuid = ANY ($1)
        """,
        uuids,
    )
    by_uuid = {row["task_uuid"]: row for row in rows}
    return [by_uuid[one] for one in uuids if one in by_uuid]


async def _total(conn: Connection, wanted: TaskFilter, count: Count, known: int) -> int:
    if count == "none":
        return known
    query = Query()
    parts = [tasks_of(one) for one in alternatives(wanted, query)]
    if not parts:
        return 0
    if count == "estimate":
        plan = await conn.fetchval(f"EXPLAIN (FORMAT JSON) {' UNION ALL '.join(parts)}", *query.values)
        return max(known, int(from_json(plan)[0]["Plan"]["Plan Rows"]))
    total: int = await conn.fetchval(f"SELECT count(*) FROM ({' UNION '.join(parts)}) u", *query.values)
    return total
