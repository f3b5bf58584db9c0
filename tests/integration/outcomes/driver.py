"""One task, driven step by step through the functions that engines and workers call."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from engine.model.templates import template_from_dict
from engine.store.registration import register_template

LEASE = timedelta(seconds=30)
Rows = dict[str, asyncpg.Record]


class Run:
    """One task, driven through the functions that engines and workers call."""

    def __init__(self, conn: asyncpg.Connection, task_uuid: UUID) -> None:
        self.conn = conn
        self.task_uuid = task_uuid
        self.order: list[str] = []

    @classmethod
    async def of(cls, conn: asyncpg.Connection, steps: list[dict[str, Any]]) -> Run:
        for step in steps:
            step.setdefault("handler", {"callable": "any"})
            step.setdefault("retry", {"max_attempts": 1})
        template = template_from_dict(
            {
                "name": "t",
                "namespace_name": "d",
                "version": "1.0.0",
                "identity_strategy": "always_unique",
                "steps": steps,
            }
        )
        registration = await register_template(conn, template, environment="test", replace=False)
        row = await conn.fetchrow(
            "SELECT * FROM tasker.create_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, false)",
            [registration.revision_id], ["{}"], ["t"], ["t"], ["t"], ["[]"], [0], [uuid4()], [None], [None],
        )  # fmt: skip
        return cls(conn, row["task_uuid"])

    async def steps(self) -> Rows:
        rows = await self.conn.fetch("SELECT * FROM tasker.steps WHERE task_uuid = $1", self.task_uuid)
        return {row["name"]: row for row in rows}

    async def states(self) -> dict[str, str]:
        return {name: row["state"] for name, row in (await self.steps()).items()}

    async def parents(self, name: str) -> set[str]:
        steps = await self.steps()
        names = {row["step_uuid"]: row["name"] for row in steps.values()}
        return {names[uuid] for uuid in steps[name]["parents"]}

    async def state(self) -> str:
        return await self.conn.fetchval("SELECT state FROM tasker.tasks WHERE task_uuid = $1", self.task_uuid)

    async def claim(self, limit: int = 100) -> list[asyncpg.Record]:
        return await self.conn.fetch(
            "SELECT * FROM tasker.claim_steps($1, $2, '{d}', '{any}', $3, $4, 10000000)",
            uuid4(),
            uuid4(),
            limit,
            LEASE,
        )

    async def submit(self, step: asyncpg.Record, result: dict[str, Any], success: bool = True) -> None:
        """Hand a result in, and let an engine do what follows."""
        await self.hand_in(step, result, success)
        await self.process()

    async def hand_in(self, step: asyncpg.Record, result: dict[str, Any], success: bool = True) -> None:
        """Submit, and let no engine look at it yet."""
        self.order.append(step["name"])
        await self.conn.fetch(
            "SELECT * FROM tasker.submit_results("
            "$1, $2, $3, $4, $5, $6, $7, $8, 0, 0, '{d}', '{any}', $9, 16, 1000000)",
            uuid4(), uuid4(), [step["step_uuid"]], [step["claim_no"]], [success], [json.dumps(result)],
            [None], [1], LEASE,
        )  # fmt: skip

    async def process(self) -> None:
        while (await self.conn.fetchrow("SELECT * FROM tasker.process_results(100, 'engine')"))["taken"]:
            pass

    async def to_the_end(self, results: dict[str, dict[str, Any]]) -> None:
        while claimed := await self.claim():
            for step in claimed:
                await self.submit(step, results.get(step["name"], {"by": step["name"]}))
