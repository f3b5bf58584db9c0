"""How fast `POST /v1/tasks` answers: alone, and from many connections at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import orjson

from tasker_tui.bench.http import Connection, expect
from tasker_tui.bench.statistics import Distribution
from tasker_tui.bench.target import NAMESPACE, Target

WARM_UP = 50


@dataclass(frozen=True, slots=True)
class Creating:
    """Answers in ms, and answers a second."""

    connections: int
    per_s: float
    answers: Distribution


async def measure_creating(
    target: Target, template: str, connections: int, requests: int, progress: Callable[[int], None]
) -> Creating:
    """Send requests over some connections, each as soon as the one before is answered.

    The tasks run meanwhile, as they would for a user.
    """
    body = orjson.dumps({"name": template, "namespace": NAMESPACE, "context": {"n": 1}})
    took: list[float] = []

    async def send(connection: Connection, count: int) -> None:
        for _ in range(count):
            began = time.perf_counter()
            expect(await connection.post("/v1/tasks", body), 201)
            took.append((time.perf_counter() - began) * 1000)
            progress(len(took))

    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(Connection(target.url)) for _ in range(connections)]
        await send(opened[0], WARM_UP)
        took.clear()
        began = time.perf_counter()
        await asyncio.gather(*(send(connection, requests // connections) for connection in opened))
        seconds = time.perf_counter() - began
    return Creating(connections, len(took) / seconds, Distribution.of(took))
