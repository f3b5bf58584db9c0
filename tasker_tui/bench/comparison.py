"""Two stacks measured in turn, pair by pair: the machine's speed drifts, and neighbours have the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import perf_counter

from engine.store.pool import Connection
from tasker_tui.bench.history import revision_of, seed_finished_tasks
from tasker_tui.bench.latency import Latency, Workload, measure_latency
from tasker_tui.bench.progress import Stages
from tasker_tui.bench.statistics import Repeated, ratio
from tasker_tui.bench.target import Target
from tasker_tui.bench.throughput import measure_throughput

HISTORY_TEMPLATE = "linear_async"
FEWEST_PAIRS = 3
CLEANED_SECONDS = 600
LOOK_SECONDS, IDLE_LOOKS = 1.0, 8
"""Autovacuum looks every 5 s whether there is something to do."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is run on both stacks: pairs of runs of so many tasks of a template."""

    template: str
    tasks: int
    pairs: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Tasks a second on a plain stack and on the other one; `ratio` is the median over the pairs."""

    plain: Repeated
    other: Repeated
    ratio: float


@dataclass(frozen=True, slots=True)
class WithHistory:
    """The other stack holds `finished` finished tasks."""

    finished: int
    speed: Comparison


@dataclass(frozen=True, slots=True)
class HeldSnapshot:
    """On the other stack a session had held a snapshot for `seconds`, under load, when the pairs began."""

    seconds: float
    speed: Comparison


@dataclass(frozen=True, slots=True)
class ThroughRabbit:
    """The other stack's messages go through RabbitMQ; its latencies are of one task at a time."""

    speed: Comparison
    latency: Latency


async def seed(target: Target, finished: int, stages: Stages) -> None:
    """Fill a stack of the bench's own with finished tasks."""
    with stages.stage("making up finished tasks", finished) as progress:
        async with target.database() as conn:
            revision = await revision_of(conn, HISTORY_TEMPLATE)
            await seed_finished_tasks(conn, revision, finished, progress)
            await conn.execute("CHECKPOINT", timeout=600)
            await _until_cleaned(conn)


async def _until_cleaned(conn: Connection) -> None:
    """Rows that come at once have autovacuum busy for a while, on one of two cores. Gives up in the end."""
    idle_looks = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(CLEANED_SECONDS):
            while idle_looks < IDLE_LOOKS:
                await asyncio.sleep(LOOK_SECONDS)
                busy = await conn.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
                )
                idle_looks = 0 if busy else idle_looks + 1


async def compare_with_history(
    plain: Target, other: Target, finished: int, load: Load, stages: Stages
) -> WithHistory:
    """Fill the other stack with history, then measure."""
    await seed(other, finished, stages)
    return WithHistory(finished, await _compare(plain, other, "above the history", load, stages))


async def compare_with_held_snapshot(
    plain: Target, other: Target, seconds: float, load: Load, stages: Stages
) -> HeldSnapshot:
    """Hold a snapshot on the other stack, let it age under load for so many seconds, then measure."""
    async with _snapshot(other):
        began = perf_counter()
        while perf_counter() - began < seconds:
            await run_load(other, "while the snapshot ages", load, stages)
        aged = perf_counter() - began
        return HeldSnapshot(aged, await _compare(plain, other, "under the snapshot", load, stages))


async def compare_with_rabbitmq(
    plain: Target, other: Target, load: Load, warm_up: int, samples: int, stages: Stages
) -> ThroughRabbit:
    """Warm the other stack up, then measure."""
    with stages.stage("warming up, through RabbitMQ", warm_up) as progress:
        await measure_throughput(other, load.template, warm_up, progress)
    with stages.stage("one task at a time, through RabbitMQ", samples) as progress:
        latency = await measure_latency(other, Workload(load.template), samples, progress)
    return ThroughRabbit(await _compare(plain, other, "through RabbitMQ", load, stages), latency)


@asynccontextmanager
async def _snapshot(target: Target) -> AsyncIterator[None]:
    async with target.database() as conn, conn.transaction(isolation="repeatable_read"):
        await conn.fetchval("SELECT count(*) FROM tasker.workers")
        yield


async def _compare(plain: Target, other: Target, what: str, load: Load, stages: Stages) -> Comparison:
    pairs: list[tuple[float, float]] = []
    for number in range(1, load.pairs + 1):
        first = await run_load(plain, f"plain, {number} of {load.pairs}", load, stages)
        second = await run_load(other, f"{what}, {number} of {load.pairs}", load, stages)
        pairs.append((first, second))
    plain_speed, other_speed = (Repeated.of(figures) for figures in zip(*pairs, strict=True))
    return Comparison(plain_speed, other_speed, ratio(pairs))


async def run_load(target: Target, title: str, load: Load, stages: Stages) -> float:
    """One run; tasks a second."""
    with stages.stage(title, load.tasks) as progress:
        return (await measure_throughput(target, load.template, load.tasks, progress)).tasks_per_s
