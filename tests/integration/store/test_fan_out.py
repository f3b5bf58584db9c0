"""One step, then two thousand at once, then one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from engine.store.pool import Connection
from tests.support.hand_worker import HandWorker
from tests.support.workflows import Workflows, step

WIDTH = 2_000
SUBMITTERS = 8


@pytest.fixture
async def workers(database: str) -> AsyncIterator[list[HandWorker]]:
    connections = [await asyncpg.connect(database) for _ in range(SUBMITTERS)]
    yield [HandWorker(connection) for connection in connections]
    for connection in connections:
        await connection.close()


async def work_off(worker: HandWorker) -> int:
    """Claim a few at a time and submit each in a call of its own; returns how many."""
    done = 0
    while claimed := await worker.claim(25):
        for one in claimed:
            await worker.succeed(one)
        done += len(claimed)
    return done


async def test_eight_workers_submit_singly(
    flows: Workflows, conn: Connection, workers: list[HandWorker]
) -> None:
    names = [f"m{n}" for n in range(WIDTH)]
    task = await flows.run([step("first"), *(step(name, "first") for name in names), step("last", *names)])
    (first,) = await workers[0].claim()
    await workers[0].succeed(first)
    # A deadlock would be raised here.
    done = await asyncio.gather(*(work_off(worker) for worker in workers))
    assert sum(done) + await work_off(workers[0]) == WIDTH + 1
    assert await flows.state(task) == "complete"
    counts = await conn.fetchrow(
        """
        SELECT count(*), count(DISTINCT step_uuid), bool_and(success)
        FROM tasker.step_attempts WHERE task_uuid = $1
        """,
        task,
    )
    assert counts is not None
    assert tuple(counts) == (WIDTH + 2, WIDTH + 2, True)


async def test_inner_steps_do_not_wait_for_the_tasks_row(
    flows: Workflows, conn: Connection, other: Connection
) -> None:
    task = await flows.run([step("a"), step("b"), step("a2", "a"), step("last", "a2", "b")])
    worker = HandWorker(conn)
    steps = await worker.claim(2)
    await conn.execute("SET lock_timeout = '2s'")
    async with other.transaction():
        await other.execute("SELECT FROM tasker.tasks WHERE task_uuid = $1 FOR UPDATE", task)
        (a2,) = (await worker.succeed(*steps, keep=2)).held
        await worker.succeed(a2)
        (last,) = await worker.claim()
        with pytest.raises(asyncpg.LockNotAvailableError):
            await worker.succeed(last)
    await worker.succeed(last)
    assert await flows.state(task) == "complete"
