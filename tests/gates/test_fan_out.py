"""Steps beside each other do not stand in each other's way."""

from __future__ import annotations

import asyncio
import os
from uuid import uuid4

from engine.store.claims import claim, submit
from engine.store.pool import Connection
from tests.gates.running import a_worker, connected, create, fan_out, register, succeeded

WORKERS = 8
# `.ci/long` asks for the 10,000 that the gate is about; 2,000 find the same faults in a tenth of the time.
WIDTH = int(os.environ.get("TASKER_GATE_WIDTH", "2000"))


async def test_inner_steps_leave_the_row_of_their_task_alone(quiet_database):
    worker = a_worker()
    async with connected(quiet_database) as conn, connected(quiet_database) as other:
        [task] = await create(conn, await register(conn, fan_out(3)))
        await conn.execute("SET lock_timeout = '1s'")
        async with other.transaction():
            await other.execute("SELECT FROM tasker.tasks WHERE task_uuid = $1 FOR UPDATE", task)
            held = await claim(conn, worker, uuid4(), 1)
            for step in held:  # grows: each submit hands the steps over that it frees
                held += (await submit(conn, worker, uuid4(), [succeeded(step)], keep=3, claim=0)).held
                if len(held) == 5:
                    break
        assert [step.name for step in held] == ["begin", "part_0", "part_1", "part_2", "end"]
        await submit(conn, worker, uuid4(), [succeeded(held[-1])], keep=0, claim=0)
        assert await conn.fetchval("SELECT state FROM tasker.tasks WHERE task_uuid = $1", task) == "complete"


async def test_many_parallel_steps_finish_without_a_deadlock(quiet_database):
    async with connected(quiet_database) as conn:
        await conn.execute("SELECT tasker.ensure_partitions()")
        [task] = await create(conn, await register(conn, fan_out(WIDTH)))
        done = await asyncio.gather(*(_work(quiet_database) for _ in range(WORKERS)))
        assert sum(done) == WIDTH + 2
        assert await conn.fetchval("SELECT state FROM tasker.tasks WHERE task_uuid = $1", task) == "complete"


async def _work(dsn: str) -> int:
    """Claim and submit steps one at a time until the task is over; a deadlock raises. Returns how many."""
    worker, done = a_worker(), 0
    async with connected(dsn) as conn:
        while True:
            held = await claim(conn, worker, uuid4(), 1)
            if not held and not await _unfinished(conn):
                return done
            while held:
                held = (await submit(conn, worker, uuid4(), [succeeded(held[0])], keep=1, claim=0)).held
                done += 1


async def _unfinished(conn: Connection) -> bool:
    return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM tasker.tasks WHERE completed_at IS NULL)"))
