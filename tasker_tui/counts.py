"""The figures of the header: how many tasks fail and how many are active, and how many workers there are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from engine.model.states import TaskState
from tasker_tui.client_port import TaskerPort
from tasker_tui.clock import Clock
from tasker_tui.filters import STATE_GROUPS
from tasker_tui.trouble import CALL_FAILURES

PAUSE_SECONDS = 2.0
"""Between two counts, however much changes."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Tasks that need an operator, tasks that go on by themselves, and workers that are alive."""

    failing: int
    active: int
    workers: int


async def count_forever(
    client: TaskerPort, clock: Clock, wanted: asyncio.Event, deliver: Callable[[Counts], object]
) -> None:
    """Count whenever `wanted` is set. What cannot be counted is left as it was: the feed tells why."""
    while True:
        await wanted.wait()
        wanted.clear()
        with suppress(*CALL_FAILURES):
            deliver(await _count(client))
        await clock.sleep(PAUSE_SECONDS)


async def _count(client: TaskerPort) -> Counts:
    failing = await _count_tasks(client, STATE_GROUPS["failing"])
    active = await _count_tasks(client, STATE_GROUPS["active"])
    workers = [worker for worker in await client.list_workers() if worker.state != "stopped"]
    return Counts(failing, active, len(workers))


async def _count_tasks(client: TaskerPort, states: tuple[TaskState, ...]) -> int:
    answer = await client.list_tasks(state=[state.value for state in states], limit=1, count="exact")
    return answer.pagination.total_count
