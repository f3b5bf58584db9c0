"""Everybody at once on the same few tasks: no deadlock, and the invariants hold."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import asyncpg
import pytest

from engine.store.claims import ClaimedStep
from engine.store.pool import Connection
from tests.support.hand_worker import HandWorker, process
from tests.support.workflows import Workflows, step

TASKS = 12
ROUNDS = 500
STEPS = [
    step("first", retry={"max_attempts": 2}),
    *(step(f"m{n}", "first", retry={"max_attempts": 2}) for n in range(5)),
    step("last", *(f"m{n}" for n in range(5))),
]
Call = Callable[[Connection, random.Random], Awaitable[object]]


@pytest.fixture
async def connections(database: str) -> AsyncIterator[list[Connection]]:
    opened: list[Connection] = [await asyncpg.connect(database) for _ in range(9)]
    yield opened
    for connection in opened:
        await connection.close()


class Crowd:
    """What the callers share: the steps that workers hold."""

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self.held: list[ClaimedStep] = []

    async def work(self, conn: Connection, dice: random.Random) -> None:
        """Claim, and submit some of what anybody holds; a few fail, a few come twice."""
        worker = HandWorker(conn)
        self.held += await worker.claim(4)
        batch = dice.sample(self.held, min(len(self.held), dice.randint(1, 4)))
        if not batch:
            return
        if dice.random() < 0.2:
            await worker.fail(*batch, retry_after=0)
        else:
            self.held += (await worker.succeed(*batch, keep=2)).held
        self.held = [one for one in self.held if one not in batch or dice.random() < 0.05]

    async def process(self, conn: Connection, _: random.Random) -> None:
        await process(conn)
        await conn.fetch("SELECT * FROM tasker.fire_retries(100, 'engine')")

    async def expire(self, conn: Connection, dice: random.Random) -> None:
        """Some leases run out."""
        await conn.execute(
            """
            UPDATE tasker.leases SET expires_at = '-infinity'
            WHERE step_uuid IN (SELECT step_uuid FROM tasker.leases WHERE random() < 0.1
                                ORDER BY step_uuid FOR UPDATE SKIP LOCKED)
            """
        )
        await conn.execute("SELECT tasker.expire_leases(100, 'engine')")
        await conn.execute("SELECT tasker.sweep_lanes()")

    async def beat(self, conn: Connection, dice: random.Random) -> None:
        await HandWorker(conn, lease=60.0).beat(*dice.sample(self.held, min(len(self.held), 8)))

    async def operate(self, conn: Connection, dice: random.Random) -> None:
        """An operator resets, ends by hand, cancels; new tasks take the place of those that ended."""
        flows = Workflows(conn)
        steps = await conn.fetch("SELECT task_uuid, step_uuid FROM tasker.steps WHERE completed_at IS NULL")
        if len(steps) < TASKS * 3:
            await flows.create(self.revision, count=3)
        if not steps:
            return
        picked = dice.sample(steps, min(len(steps), 4))
        kind = dice.random()
        if kind < 0.2:
            await self.rerun(conn, picked[0]["task_uuid"])
        elif kind < 0.6:
            await conn.fetch(
                "SELECT * FROM tasker.reset_steps($1, 'operator', 'again')",
                [row["step_uuid"] for row in picked],
            )
        elif kind < 0.8:
            await conn.fetch(
                "SELECT * FROM tasker.end_step_by_hand($1, $2, true, '{}', NULL, 'operator', 'so')",
                *picked[0],
            )
        else:
            tasks = [row["task_uuid"] for row in picked[:2]]
            await conn.fetch("SELECT * FROM tasker.cancel_tasks($1, 'operator', 'enough')", tasks)

    async def rerun(self, conn: Connection, task: UUID) -> None:
        """Run steps of two tasks again that are done or running; now and then fork one of them."""
        other = await conn.fetchval("SELECT task_uuid FROM tasker.tasks ORDER BY random() LIMIT 1")
        rows = await conn.fetch(
            "SELECT step_uuid FROM tasker.steps WHERE task_uuid = ANY ($1) ORDER BY random() LIMIT 4",
            [task, other],
        )
        steps = [row["step_uuid"] for row in rows]
        await conn.fetch("SELECT * FROM tasker.rerun_steps($1, true, 'operator', 'again')", steps)
        if steps and task.int % 10 == 0:
            await conn.fetch(
                """
                SELECT tasker.fork_task(s.task_uuid, ARRAY[s.step_uuid], NULL, NULL, 'operator', 'so')
                FROM tasker.steps s WHERE s.step_uuid = $1
                """,
                steps[0],
            )


async def repeat(call: Call, conn: Connection, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(ROUNDS):
        await call(conn, dice)


async def test_no_deadlock_among_all_who_write(
    flows: Workflows, conn: Connection, connections: list[Connection]
) -> None:
    crowd = Crowd(await flows.register(STEPS))
    await flows.create(crowd.revision, count=TASKS)
    calls = [crowd.work] * 4 + [crowd.process, crowd.expire, crowd.beat, crowd.operate, crowd.operate]
    # Whoever is chosen to end a deadlock raises DeadlockDetectedError here.
    await asyncio.gather(
        *(
            repeat(call, connection, seed)
            for seed, (call, connection) in enumerate(zip(calls, connections, strict=True))
        )
    )
    ended = await conn.fetchval("SELECT count(*) FROM tasker.tasks WHERE state = 'complete'")
    assert ended > TASKS
