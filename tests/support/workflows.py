"""Workflows for tests of what is below the REST API: made, created and looked at through SQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from engine.model.templates import Template, template_from_dict
from engine.store.pool import Connection
from engine.store.registration import register_template
from tests.support.waiting import until

NAMESPACE = "test"

CREATE = (
    "SELECT task_uuid FROM tasker.create_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, true) ORDER BY item"
)


def step(name: str, *parents: str, handler: str = "echo", **fields: Any) -> dict[str, Any]:
    """A step as in YAML. `initialization` goes to the handler, `retry` and the other fields to the step."""
    initialization = fields.pop("initialization", {})
    method = fields.pop("method", "call")
    return {
        "name": name,
        "dependencies": list(parents),
        "handler": {"callable": handler, "method": method, "initialization": initialization},
        "retry": {"max_attempts": 5, "backoff": "none"} | fields.pop("retry", {}),
        **fields,
    }


def linear(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Steps `s1`, `s2` … each after the one before."""
    return [step(f"s{n}", *([f"s{n - 1}"] if n > 1 else []), **fields) for n in range(1, count + 1)]


def template(steps: Sequence[dict[str, Any]], name: str = "workflow", namespace: str = NAMESPACE) -> Template:
    """A template of these steps."""
    return template_from_dict(
        {
            "name": name,
            "namespace_name": namespace,
            "version": "1.0.0",
            "identity_strategy": "always_unique",
            "steps": list(steps),
        }
    )


class Workflows:
    """The workflows of one database, through a connection that the test keeps."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn

    async def register(
        self, steps: Sequence[dict[str, Any]], name: str = "workflow", namespace: str = NAMESPACE
    ) -> int:
        """Register a template; returns its revision."""
        made = template(steps, name, namespace)
        registration = await register_template(self.conn, made, environment="test", replace=True)
        return registration.revision_id

    async def create(
        self, revision: int, *, count: int = 1, context: dict[str, Any] | None = None, priority: int = 0
    ) -> list[UUID]:
        """Create equal tasks."""
        rows = await self.conn.fetch(
            CREATE, [revision] * count, [json.dumps(context or {})] * count, ["test"] * count,
            ["test"] * count, ["a test"] * count, ["[]"] * count, [priority] * count,
            [uuid4() for _ in range(count)], [None] * count, [None] * count,
        )  # fmt: skip
        return [row[0] for row in rows]

    async def run(self, steps: Sequence[dict[str, Any]], name: str = "workflow", **fields: Any) -> UUID:
        """Register a template and create a task of it."""
        (task,) = await self.create(await self.register(steps, name), **fields)
        return task

    async def state(self, task: UUID) -> str:
        """A task's state."""
        state: str = await self.conn.fetchval(
            "SELECT state::text FROM tasker.tasks WHERE task_uuid = $1", task
        )
        return state

    async def reaches(self, task: UUID, *states: str, timeout: float = 30.0) -> str:
        """Wait until a task is in one of some states."""

        async def reached() -> str | None:
            state = await self.state(task)
            return state if state in states else None

        return await until(reached, f"task {task} is {' or '.join(states)}", timeout) or ""

    async def all_complete(self, tasks: Sequence[UUID], timeout: float = 30.0) -> None:
        """Wait until all of these tasks are complete."""

        async def complete() -> bool:
            number = await self.conn.fetchval(
                "SELECT count(*) FROM tasker.tasks WHERE task_uuid = ANY ($1) AND state = 'complete'", tasks
            )
            return bool(number == len(tasks))

        await until(complete, f"{len(tasks)} tasks are complete", timeout)

    async def steps(self, task: UUID) -> dict[str, asyncpg.Record]:
        """A task's steps by name; `state` is text."""
        rows = await self.conn.fetch(
            "SELECT *, state::text AS state FROM tasker.steps WHERE task_uuid = $1", task
        )
        return {row["name"]: row for row in rows}

    async def states(self, task: UUID) -> dict[str, str]:
        """The states of a task's steps by name."""
        return {name: row["state"] for name, row in (await self.steps(task)).items()}

    async def step_reaches(
        self, task: UUID, name: str, *states: str, timeout: float = 30.0
    ) -> asyncpg.Record:
        """Wait until a step is in one of some states; returns its row."""

        async def reached() -> asyncpg.Record | None:
            row = (await self.steps(task))[name]
            return row if row["state"] in states else None

        row = await until(reached, f"step {name} is {' or '.join(states)}")
        assert row is not None
        return row

    async def attempts(self, task: UUID, name: str) -> list[asyncpg.Record]:
        """What is recorded of a step, oldest first: claim_no, attempt, success, worker_uuid, and of a failure
        error_type, message, retryable (as text)."""
        return await self.conn.fetch(
            """
            SELECT a.*, a.details ->> 'error_type' AS error_type, a.details ->> 'message' AS message,
                   a.details ->> 'retryable' AS retryable
            FROM tasker.step_attempts a JOIN tasker.steps s USING (step_uuid)
            WHERE s.task_uuid = $1 AND s.name = $2 ORDER BY a.claim_no
            """,
            task,
            name,
        )

    async def end_leases(self) -> None:
        """Let every lease run out now; they are long, for workers that are slow and not lost.

        A claim of a killed worker that the database is still at work on gets its lease later, a whole one.
        """
        await self.conn.execute("UPDATE tasker.leases SET expires_at = tasker.now()")

    async def result(self, task: UUID, name: str) -> Any:
        """What a finished step's handler returned."""
        text = await self.conn.fetchval(
            """
            SELECT a.result FROM tasker.step_attempts a JOIN tasker.steps s USING (step_uuid, claim_no)
            WHERE s.task_uuid = $1 AND s.name = $2 AND a.success
            """,
            task,
            name,
        )
        return None if text is None else json.loads(text)
