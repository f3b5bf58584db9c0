"""What the same PostgreSQL does with nothing but small inserts, a commit each: the measure of the machine."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass

from engine.store.pool import Connection
from tasker_tui.bench.statistics import Distribution
from tasker_tui.bench.target import Target

SECONDS = 2.0
CONNECTIONS = (1, 8)


@dataclass(frozen=True, slots=True)
class Baseline:
    """Inserts with a commit each, a second, on one connection and on eight; and how long one takes, in ms."""

    commits_per_s_1: float
    commits_per_s_8: float
    commit_ms: Distribution


async def measure_baseline(target: Target) -> Baseline:
    """Insert rows of a hundred bytes into a table of the bench's own, which is dropped afterwards."""
    async with target.database() as conn:
        await conn.execute(
            "CREATE TABLE IF NOT EXISTS public.tasker_bench_baseline "
            "(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, filler text)"
        )
    try:
        alone, together = [await _commits(target, count) for count in CONNECTIONS]
    finally:
        async with target.database() as conn:
            await conn.execute("DROP TABLE public.tasker_bench_baseline")
    return Baseline(len(alone) / SECONDS, len(together) / SECONDS, Distribution.of(alone))


async def _commits(target: Target, connections: int) -> list[float]:
    """The ms that each commit took."""
    took: list[float] = []
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(target.database()) for _ in range(connections)]
        until = time.perf_counter() + SECONDS
        await asyncio.gather(*(_insert(conn, until, took) for conn in opened))
    return took


async def _insert(conn: Connection, until: float, took: list[float]) -> None:
    insert = await conn.prepare("INSERT INTO public.tasker_bench_baseline (filler) VALUES ($1)")
    filler = "x" * 100
    while (began := time.perf_counter()) < until:
        await insert.fetch(filler)
        took.append((time.perf_counter() - began) * 1000)
