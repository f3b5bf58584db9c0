"""Bulk operations for tests of what is below the REST API."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from engine.model.wire.bulk import BulkFilter, BulkPreviewRequest, BulkRunRequest, BulkState
from engine.store import bulk
from engine.store.bulk_selection import select_items
from engine.store.pool import Connection
from tests.support.hand_worker import HandWorker, process_all
from tests.support.workflows import Workflows, step

NUMBERS = itertools.count(1)
BURST_SECONDS = 0.2
"""Time that no engine used, of which the items are made up for."""


class Bulk:
    """Tasks of one template whose first step is in error, and operations on them."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.flows = Workflows(conn)
        self.name = f"bulk{next(NUMBERS)}"

    async def failed(self, count: int, **fields: Any) -> list[UUID]:
        """Make tasks; each has failed."""
        steps = [step("first", handler=self.name, **fields), step("second", "first", handler=self.name)]
        tasks = await self.flows.create(await self.flows.register(steps, self.name), count=count)
        worker = HandWorker(self.conn, handlers=[self.name])
        await worker.fail(*await worker.claim(count), retryable=False)
        await process_all(self.conn)
        return tasks

    async def preview(self, verb: str, **fields: Any) -> UUID:
        wanted = BulkFilter(template=self.name, **fields.pop("wanted", {}))
        asked = BulkPreviewRequest(verb=verb, filter=wanted, **fields)
        return await select_items(self.conn, asked, 1_000_000)

    async def begin(self, verb: str, rate: float | None = None, **fields: Any) -> UUID:
        operation = await self.preview(verb, **fields)
        assert await bulk.start(self.conn, operation, BulkRunRequest(rate=rate, reason="now", actor="ana"))
        return operation

    async def items(self, operation: UUID) -> list[asyncpg.Record]:
        return await self.conn.fetch(
            "SELECT * FROM tasker.bulk_items WHERE bulk_uuid = $1 ORDER BY number", operation
        )

    async def counts(self, operation: UUID) -> tuple[int, int, int, int]:
        found = await bulk.get_operation(self.conn, operation)
        assert found is not None
        return found.done, found.skipped, found.failed, found.remaining

    async def resets(self, tasks: list[UUID]) -> int:
        """How often an operator's retry is in the log of these tasks' steps."""
        return await self.conn.fetchval(
            """
            SELECT count(*) FROM tasker.transitions
            WHERE task_uuid = ANY ($1) AND step_path = '{error,pending,enqueued}' AND actor = 'ana'
            """,
            tasks,
        )

    async def is_done(self, operation: UUID) -> bool:
        """Whether every item has an outcome."""
        found = await bulk.get_operation(self.conn, operation)
        assert found is not None
        return found.state is BulkState.COMPLETE


def assert_rate(items: Sequence[asyncpg.Record], rate: float) -> None:
    """In no stretch of time was more done than the rate allows, by the database's clock."""
    times = sorted(row["finished_at"] for row in items if row["outcome"] != "skipped")
    for first, last in itertools.combinations(range(len(times)), 2):
        seconds = (times[last] - times[first]).total_seconds()
        assert last - first + 1 <= 1 + (seconds + BURST_SECONDS) * rate + 0.001
