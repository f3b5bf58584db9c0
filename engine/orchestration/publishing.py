"""Publishes ready steps to a broker outside the tasks' database after their commit, and again when a message
is lost (reference 4).

`ready_steps.sent_at` says that an engine has taken a step on, `published_at` that the broker has confirmed
its message. The latter is kept a moment later: most steps are claimed by then, and nothing need be written.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from uuid import UUID

from engine.messaging.publisher import make_publisher
from engine.model.wire.queues import Broker
from engine.orchestration.loops import Loop
from engine.settings import PgmqSettings, RabbitSettings
from engine.store import messages
from engine.store.crash_points import crash_point
from engine.store.pool import Pool

log = logging.getLogger("tasker.orchestration")

IDLE_SECONDS = 1.0
FAILED_SECONDS = 0.5
SETTLE_SECONDS = 0.1
"""After a confirmation, until it is kept for steps that still wait."""
SWEEP_SECONDS = 1.0
DEPTHS_SECONDS = 5.0


class StepPublisher:
    """Keeps every ready step on its queue. `published` and `lost` count messages, `depths` are how many wait
    in which namespace's queue, all for the metrics."""

    def __init__(self, pool: Pool, broker: RabbitSettings | PgmqSettings) -> None:
        self.published = 0
        self.lost = 0
        self.depths: dict[str, int] = {}
        self._pool = pool
        self._name = broker.name
        self._look = Loop("messages", self._publish)
        self._broker = make_publisher(broker, self._look_at_everything)
        self.link = self._broker.link
        self.loops = (
            self._look,
            Loop("lost messages", self._sweep),
            Loop("queue depths", self._measure),
        )
        self._everything = True
        self._confirmed: deque[tuple[float, list[UUID]]] = deque()

    def status(self) -> Broker:
        """Whether the broker takes messages."""
        return Broker(name=self._name, connected=self.link.connected, problem=self.link.error)

    def wake(self) -> None:
        """Steps became ready, and their transaction is committed."""
        self._look.wake()

    def _look_at_everything(self) -> None:
        self._everything = True
        self._look.wake()

    async def _publish(self) -> float:
        await self._settle()
        if not self.link.connected:
            return IDLE_SECONDS
        everything, self._everything = self._everything, False
        taken = await messages.take_unpublished(self._pool, everything=everything)
        # A backlog is older than what a quick look sees.
        self._everything |= len(taken) == messages.AT_ONCE
        if not taken:
            return SETTLE_SECONDS if self._confirmed else IDLE_SECONDS
        crash_point("messages.before")
        confirmed = await self._broker.publish(taken)
        crash_point("messages.after")
        if confirmed:
            self.link.confirmed()
        self.published += len(confirmed)
        self._confirmed.append((asyncio.get_running_loop().time(), list(confirmed)))
        failed = [one.step_uuid for one in taken if one.step_uuid not in confirmed]
        # What a broker that is there refuses is taken again after SENT_AGAIN, and keeps nobody waiting.
        if failed and not self.link.connected:
            self.link.unanswered()
            await messages.settle_messages(self._pool, failed, published=False)
            return FAILED_SECONDS
        # Others may have become ready meanwhile, without anybody who says so.
        return 0.0 if len(taken) == messages.AT_ONCE else SETTLE_SECONDS

    async def _settle(self) -> None:
        before = asyncio.get_running_loop().time() - SETTLE_SECONDS
        while self._confirmed and self._confirmed[0][0] < before:
            await messages.settle_messages(self._pool, self._confirmed[0][1], published=True)
            self._confirmed.popleft()

    async def _sweep(self) -> float:
        """Find steps that wait beside an empty queue, and publish them again."""
        self._look_at_everything()
        if not self.link.connected:
            return SWEEP_SECONDS
        waiting = await messages.waiting_namespaces(self._pool)
        empty = [name for name, depth in (await self._depths(waiting)).items() if not depth]
        if empty and (lost := await messages.forget_lost_messages(self._pool, empty)):
            log.info("%d steps have lost their message and get a new one", lost)
            self.lost += lost
            self._look_at_everything()
        return SWEEP_SECONDS

    async def _measure(self) -> float:
        if self.link.connected:
            self.depths = await self._depths(await messages.namespaces_elsewhere(self._pool))
        return DEPTHS_SECONDS

    async def _depths(self, namespaces: list[str]) -> dict[str, int]:
        try:
            found = await self._broker.depths(namespaces)
        except self.link.errors as error:
            log.warning("the queues of %s could not be looked at: %s", self.link.title, error)
            return {}
        if found:
            self.link.reached()
        return found
