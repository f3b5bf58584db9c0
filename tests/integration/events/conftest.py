"""What the tests of domain events share."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.support.postgres import PgServer
from tests.support.stack import Stack, WorkerPart, stack_on
from tests.support.waiting import until

ARGUMENTS = ("--handlers", str(Path(__file__).with_name("event_handlers.py")))

Json = dict[str, Any]


@pytest.fixture(scope="module")
async def shared_stack(pg_server: PgServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """An engine and a worker for all tests of a module that kill nothing."""
    async with pg_server.new_database() as dsn, stack_on(dsn, tmp_path_factory.mktemp("stack")) as stack:
        await stack.engine()
        await stack.worker(slots=20, arguments=ARGUMENTS)
        yield stack


@pytest.fixture
def events(shared_stack: Stack) -> Events:
    """Of the shared stack."""
    return Events(shared_stack)


class Events:
    """What a stack published."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.conn = stack.flows.conn

    async def queue(self) -> list[Json]:
        """What an outside reader finds in the namespace's queue."""
        rows = await self.conn.fetch("SELECT message FROM pgmq.read('test_domain_events', 0, 1000)")
        return [json.loads(row[0]) for row in rows]

    async def published(self, task: UUID) -> list[Json]:
        """The durable events of a task, once none waits any more."""

        async def nothing_waits() -> bool:
            return bool(await self.conn.fetchval("SELECT NOT EXISTS (SELECT FROM tasker.domain_events)"))

        await until(nothing_waits, "all domain events are in their queues")
        return [one for one in await self.queue() if one["metadata"]["task_uuid"] == str(task)]

    async def names(self, task: UUID) -> list[str]:
        """The names of those, in their order."""
        return [one["event_name"] for one in await self.published(task)]

    async def seen(self, what: str, task: UUID, count: int = 1) -> list[Json]:
        """What publishers or subscribers noted of a task, once that is so many lines."""

        async def found() -> list[Json] | None:
            lines = [one for one in self.notes() if one["what"] == what and str(task) in json.dumps(one)]
            return lines if len(lines) >= count else None

        return await until(found, f"{count} notes of {what}") or []

    def notes(self) -> list[Json]:
        """All of them so far."""
        path = self.stack.folder / "seen"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    async def stats(self) -> Json:
        """The worker's `/metrics/events`."""
        answer: Json = (await worker_of(self.stack).get("/metrics/events")).json()
        return answer

    async def log_of(self, task: UUID, lines: int) -> str:
        """What a task's steps logged of events, once that is so many lines."""

        async def found() -> str | None:
            rows = await self.conn.fetch(
                """
                SELECT message FROM tasker.step_logs
                WHERE task_uuid = $1 AND message LIKE '%not published%'
                """,
                task,
            )
            return "\n".join(row[0] for row in rows) if len(rows) >= lines else None

        return await until(found, f"{lines} lines about events in the log") or ""


def worker_of(stack: Stack) -> WorkerPart:
    """The first worker of a stack."""
    return next(part for part in stack.parts if isinstance(part, WorkerPart))


def event(name: str, condition: str = "success", mode: str = "durable", **fields: Any) -> Json:
    """A declaration as in YAML."""
    given = {"name": name, "schema": {"type": "object"}, "condition": condition, "delivery_mode": mode}
    return given | fields
