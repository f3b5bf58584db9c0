"""How many tasks a second go from creation to completion, as a client sees it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import orjson

from tasker_tui.bench.errors import BenchError
from tasker_tui.bench.http import Connection, expect
from tasker_tui.bench.processes import Usage, watching
from tasker_tui.bench.target import NAMESPACE, Target

BULK = 500
IN_FLIGHT = 2
ACTIVE = f"/v1/tasks?namespace={NAMESPACE}&status=active&per_page=1"
# A count costs the database milliseconds, so there are few while much is left, more at the end, and never so
# many that they take more than a fifth of the time.
LOOK_SECONDS = (0.02, 0.5)
LOOK_SHARE = 5
STALLED_SECONDS = 60.0

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Throughput:
    """One run: `seconds` are from the first request until a client sees no task that is not finished,
    `create_seconds` until the last one was created."""

    tasks: int
    tasks_per_s: float
    seconds: float
    create_seconds: float
    usage: dict[str, Usage]


async def measure_throughput(target: Target, template: str, tasks: int, progress: Progress) -> Throughput:
    """Create tasks in bulk and wait until all are complete; `progress` is told how many are."""
    async with watching(target.processes) as watch:
        began = time.perf_counter()
        creating = asyncio.create_task(create_in_bulk(target, template, tasks))
        async with Connection(target.url) as connection:
            await _until_done(connection, creating, tasks, progress)
        seconds = time.perf_counter() - began
    return Throughput(tasks, tasks / seconds, seconds, creating.result() - began, watch.usage)


async def create_in_bulk(target: Target, template: str, tasks: int) -> float:
    """Create tasks by `POST /v1/tasks/bulk`, a few requests at a time, at all engines in turn; returns when
    the last was answered."""
    sizes = [BULK] * (tasks // BULK) + [tasks % BULK] * (tasks % BULK > 0)
    engines = itertools.cycle((target.url, *target.more_engines))
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(Connection(next(engines))) for _ in range(IN_FLIGHT)]
        await asyncio.gather(*(_create(connection, template, sizes) for connection in connections))
    return time.perf_counter()


async def _create(connection: Connection, template: str, sizes: list[int]) -> None:
    item = {"name": template, "namespace": NAMESPACE, "context": {"n": 1}}
    while sizes:
        body = orjson.dumps({"tasks": [item] * sizes.pop()})
        answer = expect(await connection.post("/v1/tasks/bulk", body), 200)
        if refused := [one for one in answer.json()["results"] if one["status"] != 201]:
            raise BenchError(f"a task was not created: {refused[0]['error']['message']}")


async def _until_done(
    connection: Connection, creating: asyncio.Task[float], tasks: int, progress: Progress
) -> None:
    began = moved = time.perf_counter()
    left = tasks
    while True:
        looked, created = time.perf_counter(), creating.done()
        if created:
            creating.result()
        active = await _active(connection)
        now = time.perf_counter()
        if created and active == 0:
            progress(tasks)
            return
        moved = now if active != left else moved
        left = active
        if created:
            progress(tasks - active)
            if now - moved > STALLED_SECONDS:
                raise BenchError(
                    f"{active} tasks have not moved for {STALLED_SECONDS:.0f} s",
                    "is there a worker with the bench's handlers? `tasker doctor` tells",
                )
        rate = max(tasks - active, 1) / (now - began)
        pause = min(max(0.2 * active / rate, LOOK_SECONDS[0]), LOOK_SECONDS[1])
        await asyncio.sleep(max(pause, (LOOK_SHARE - 1) * (now - looked)))


async def until_idle(target: Target) -> None:
    """Wait until no task of the bench is active."""
    async with Connection(target.url) as connection:
        while await _active(connection):  # noqa: ASYNC110 - nobody tells but the server
            await asyncio.sleep(LOOK_SECONDS[1])


async def _active(connection: Connection) -> int:
    answer = expect(await connection.get(ACTIVE), 200).json()
    return int(answer["pagination"]["total_count"])
