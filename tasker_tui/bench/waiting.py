"""How much memory engine and worker take while very many tasks wait."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tasker_tui.bench.http import Connection, expect
from tasker_tui.bench.processes import MEBIBYTE, memory_of
from tasker_tui.bench.progress import Stages
from tasker_tui.bench.stack import SLOTS
from tasker_tui.bench.target import NAMESPACE, Target
from tasker_tui.bench.throughput import create_in_bulk

OCCUPY = "occupy"
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Waiting:
    """MiB of engine and worker with every slot taken and `tasks` tasks behind them."""

    tasks: int
    engine_mib: float
    worker_mib: float

    @property
    def together_mib(self) -> float:
        """What the target is about."""
        return self.engine_mib + self.worker_mib


async def measure_waiting(target: Target, template: str, tasks: int, stages: Stages) -> Waiting:
    """Take all slots, create tasks that must wait, and look; leaves the stack full."""
    await create_in_bulk(target, OCCUPY, SLOTS)
    await _until_all_slots_are_taken(target)
    with stages.stage("creating tasks that wait", tasks) as progress:
        await create_in_bulk(target, template, tasks)
        progress(tasks)
    async with Connection(target.url) as connection:  # a page of them, as somebody would look
        expect(await connection.get(f"/v1/tasks?namespace={NAMESPACE}&per_page=100"), 200)
    engine, worker = (memory_of(target.processes[name]) / MEBIBYTE for name in ("server", "worker"))
    return Waiting(tasks, engine, worker)


async def _until_all_slots_are_taken(target: Target) -> None:
    async with target.database() as conn, asyncio.timeout(30):
        while await conn.fetchval("SELECT count(*) FROM tasker.leases") < SLOTS:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
