"""How long one task takes on an idle system, from the request that creates it to its completion."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import orjson

from tasker_tui.bench.errors import BenchError
from tasker_tui.bench.http import Connection, expect
from tasker_tui.bench.statistics import Distribution
from tasker_tui.bench.target import NAMESPACE, Target

WARM_UP = 50
LOOK_SECONDS = 0.001
UNSEEN_SHARE = 0.5
"""Of the fastest warm-up task: no look before that, since a look takes CPU time from what it looks at."""
IDLE_SECONDS = 0.005
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Latency:
    """In ms: `seen` by the client over HTTP; `recorded` is completed_at - created_at of the same tasks, which
    leaves out the way of the request and the last look."""

    seen: Distribution
    recorded: Distribution


async def measure_latency(
    target: Target, template: str, samples: int, progress: Callable[[int], None]
) -> Latency:
    """Create tasks one after another and look at each until it is complete, by `GET` every millisecond from
    half the time on that the fastest of the warm-up took.

    Not by the event stream: the engine reads the log for it every 50 ms, and would be what is measured.
    """
    seen, recorded = [], []
    async with Connection(target.url) as connection:
        warm_up = [await _one(connection, template, 0.0) for _ in range(WARM_UP)]
        unseen = UNSEEN_SHARE * min(milliseconds for milliseconds, _ in warm_up) / 1000
        for _ in range(samples):
            await asyncio.sleep(IDLE_SECONDS)
            milliseconds, inside = await _one(connection, template, unseen)
            seen.append(milliseconds)
            recorded.append(inside)
            progress(len(seen))
    return Latency(Distribution.of(seen), Distribution.of(recorded))


async def _one(connection: Connection, template: str, unseen: float) -> tuple[float, float]:
    body = orjson.dumps({"name": template, "namespace": NAMESPACE, "context": {"n": 1}})
    began = time.perf_counter()
    task = expect(await connection.post("/v1/tasks", body), 201).json()
    path = f"/v1/tasks/{task['task_uuid']}"
    await asyncio.sleep(max(0.0, began + unseen - time.perf_counter()))
    while task["completed_at"] is None:
        await asyncio.sleep(LOOK_SECONDS)
        task = expect(await connection.get(path), 200).json()
        if time.perf_counter() - began > PATIENCE:
            raise BenchError(
                f"task {task['task_uuid']} is {task['status']} after {PATIENCE:.0f} s", "ask `tasker doctor`"
            )
    took = time.perf_counter() - began
    inside = datetime.fromisoformat(task["completed_at"]) - datetime.fromisoformat(task["created_at"])
    return took * 1000, inside.total_seconds() * 1000
