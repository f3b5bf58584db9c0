"""A worker's executor by itself: what handlers return goes the whole way up to what would be submitted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

from engine.store.claims import ClaimedStep, FinishedStep, WorkerIdentity
from engine.store.step_definitions import StepDefinition
from tests.unit.workers.support import STEP, TASK
from workers import HandlerRegistry
from workers.runtime.definitions import Definitions
from workers.runtime.domain_events import DomainEvents
from workers.runtime.executor import Executor
from workers.runtime.running import RunningStep

NO_DATABASE: Any = None
"""A step whose dependencies came with its claim needs none."""

CLAIMED = ClaimedStep(STEP, TASK, 1, 1, 0, 1, "step", TASK, "{}", "{}", None, None)
DEFINITION = StepDefinition(
    1, "step", "test", "standard", "handler", "call", None, {}, 1, None, frozenset(), frozenset(), True, []
)


def running_step() -> RunningStep:
    """A step that was claimed just now, for half a minute."""
    return RunningStep(CLAIMED, DEFINITION, time.monotonic() + 30)


class Bench:
    """Runs one handler's steps. `reported` are results, `ended` the steps whose handlers have returned."""

    def __init__(self, handler: Any) -> None:
        registry = HandlerRegistry()
        registry.register("handler", handler)
        self.reported: list[FinishedStep] = []
        self.ended: list[RunningStep] = []
        self._over = asyncio.Event()
        self.executor = Executor(
            NO_DATABASE, WorkerIdentity(uuid4(), ["test"], ["handler"], timedelta(seconds=30)),
            Definitions(NO_DATABASE, registry, time_outs=True), 1,
            lambda step, finished, events: self.reported.append(finished), self._end,
            lambda output: None, DomainEvents(),
        )  # fmt: skip

    async def run(self, step: RunningStep | None = None) -> FinishedStep:
        """Run a step until its handler has returned; returns its result."""
        self._over.clear()
        self.executor.start(step or running_step())
        await self.over()
        return self.reported.pop()

    async def over(self) -> None:
        """Wait until a step has ended; fails after ten seconds."""
        async with asyncio.timeout(10):
            await self._over.wait()

    def _end(self, step: RunningStep) -> None:
        self.ended.append(step)
        self._over.set()


@contextmanager
def bench(handler: Any) -> Iterator[Bench]:
    """An executor for one handler."""
    made = Bench(handler)
    try:
        yield made
    finally:
        made.executor.shut_down()
