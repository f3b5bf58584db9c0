"""How much slower it is while a snapshot is held elsewhere, as by a dump or a forgotten transaction."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tasker_tui.bench.progress import Stages
from tasker_tui.bench.statistics import Repeated
from tasker_tui.bench.target import Target
from tasker_tui.bench.throughput import measure_throughput

ROUNDS = 3


@dataclass(frozen=True, slots=True)
class HeldSnapshot:
    """Tasks a second before, and once the snapshot has been held for `seconds` under load."""

    seconds: float
    before: Repeated
    held: Repeated
    ratio: float


async def measure_held_snapshot(
    target: Target, template: str, tasks: int, seconds: float, stages: Stages
) -> HeldSnapshot:
    """Run rounds without a snapshot, then under one: for so many seconds unmeasured, then measured."""

    async def round_of(title: str) -> float:
        with stages.stage(title, tasks) as progress:
            return (await measure_throughput(target, template, tasks, progress)).tasks_per_s

    before = Repeated.of([await round_of("before the snapshot") for _ in range(ROUNDS)])
    async with target.database() as conn, conn.transaction(isolation="repeatable_read"):
        began = time.perf_counter()
        await conn.fetchval("SELECT count(*) FROM tasker.workers")
        while time.perf_counter() - began < seconds:
            await round_of("while the snapshot ages")
        aged = time.perf_counter() - began
        held = Repeated.of([await round_of("under the snapshot") for _ in range(ROUNDS)])
    return HeldSnapshot(aged, before, held, held.median / before.median)
