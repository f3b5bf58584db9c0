"""How long one task takes on an idle system, from the request that creates it to its completion."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
class Workload:
    """What is created again and again: `together` tasks at once, which have `steps` steps at their end.

    None for `steps` is any number.
    """

    template: str
    namespace: str = NAMESPACE
    context: Mapping[str, Any] | None = None
    together: int = 1
    steps: int | None = None

    def body(self) -> bytes:
        """The request that creates one task."""
        context = {"n": 1} if self.context is None else dict(self.context)
        return orjson.dumps({"name": self.template, "namespace": self.namespace, "context": context})


@dataclass(frozen=True, slots=True)
class Latency:
    """In ms: `seen` by the client over HTTP; `recorded` is completed_at - created_at of the same tasks, which
    leaves out the way of the request and the last look. Of several tasks at once the last one counts."""

    seen: Distribution
    recorded: Distribution


async def measure_latency(
    target: Target, workload: Workload, samples: int, progress: Callable[[int], None]
) -> Latency:
    """Create tasks one after another and look at each until it is complete, by `GET` every millisecond from
    half the time on that the fastest of the warm-up took.

    Not by the event stream: the engine reads the log for it every 50 ms, and would be what is measured.
    Raises BenchError for a task that ends otherwise or has other steps than the workload says.
    """
    seen, recorded = [], []
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(Connection(target.url)) for _ in range(workload.together)]
        warm_up = [await _at_once(opened, workload, 0.0) for _ in range(min(WARM_UP, samples))]
        unseen = UNSEEN_SHARE * min(milliseconds for milliseconds, _ in warm_up) / 1000
        for _ in range(samples):
            await asyncio.sleep(IDLE_SECONDS)
            milliseconds, inside = await _at_once(opened, workload, unseen)
            seen.append(milliseconds)
            recorded.append(inside)
            progress(len(seen))
    return Latency(Distribution.of(seen), Distribution.of(recorded))


async def _at_once(opened: list[Connection], workload: Workload, unseen: float) -> tuple[float, float]:
    """A task on each connection, until the last of them is complete."""
    found = await asyncio.gather(*(_one(connection, workload, unseen) for connection in opened))
    return max(seen for seen, _ in found), max(inside for _, inside in found)


async def _one(connection: Connection, workload: Workload, unseen: float) -> tuple[float, float]:
    body = workload.body()
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
    _check(task, workload)
    inside = datetime.fromisoformat(task["completed_at"]) - datetime.fromisoformat(task["created_at"])
    return took * 1000, inside.total_seconds() * 1000


def _check(task: dict[str, Any], workload: Workload) -> None:
    """What is timed must be what was meant; raises BenchError."""
    steps, wanted = task["completed_steps"], workload.steps
    if task["status"] != "complete" or wanted not in (None, steps):
        raise BenchError(
            f"task {task['task_uuid']} of {workload.template} is {task['status']} with {steps} complete steps"
            + ("" if wanted is None else f" and should be complete with {wanted}"),
            f"`tasker task get {task['task_uuid']}` shows it",
        )
