"""A worker's end of a broker: messages that say "look", held until the database knows better.

A message is acknowledged when its step is claimed or no longer waits. It is never put back: a step that this
worker can't take is noted in the database as having no message, and an engine publishes it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from engine.messaging.link import Link
from engine.messaging.taker import MessageOutcome, Taker
from engine.settings import PgmqSettings, RabbitSettings
from engine.store.crash_points import crash_point
from engine.store.messages import find_ready, settle_messages
from engine.store.pool import DATABASE_ERRORS, Pool

log = logging.getLogger("tasker.messaging")

REVIEW_SECONDS = 0.02
"""A claim that a message has woken takes less."""
FULL_REVIEW_SECONDS = 0.25
PASS_ON_SECONDS = 0.25
"""Between two words to others that steps are not for this worker. A queue may be full of those."""
HOLD_SECONDS = 1.0
"""How long a worker without a free slot keeps messages from others."""

Bodies: TypeAlias = "dict[str, Callable[[], Awaitable[None]]]"

M = TypeVar("M")
"""A message as the broker's client knows it."""


@dataclass(slots=True)
class _Held(Generic[M]):
    messages: list[M] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)


class Inbox(ABC, Generic[M]):
    """Takes messages from the queues of a worker's namespaces while its `bodies` run, until `close`."""

    link: Link

    def __init__(self, pool: Pool, taker: Taker, counts: Counter[MessageOutcome]) -> None:
        self._pool = pool
        self._taker = taker
        self._counts = counts
        self._held: dict[UUID, _Held[M]] = {}
        self._arrived = asyncio.Event()
        self._settling: set[asyncio.Task[None]] = set()
        self._closing = False
        self._passed_on = float("-inf")
        self._passing_on: asyncio.TimerHandle | None = None

    def bodies(self) -> Bodies:
        """What has to run, by its name, for messages to come."""
        return {"connection to the broker": self.link.run, "held messages": self._review_on}

    def claimed(self, steps: Iterable[UUID]) -> None:
        """These steps, which waited, are claimed, and the claim is committed."""
        self._acknowledge(steps, "claimed")

    async def close(self) -> None:
        """Take no more, and leave what is held to others."""
        self._closing = True
        with contextlib.suppress(*self.link.errors):
            await self._stop_consuming()
        with contextlib.suppress(TimeoutError, *DATABASE_ERRORS, *self.link.errors):
            async with asyncio.timeout(HOLD_SECONDS):
                await self._give_all_back()
        if self._settling:
            await asyncio.wait(self._settling, timeout=HOLD_SECONDS)

    async def _give_all_back(self) -> None:
        await self._give_back(list(self._held))
        while self._held:  # their steps are being claimed, or are gone
            await self._review()
            await asyncio.sleep(REVIEW_SECONDS)

    @property
    @abstractmethod
    def _consuming(self) -> bool:
        """Whether messages come."""

    @abstractmethod
    async def _consume(self) -> None:
        """Have messages come."""

    @abstractmethod
    async def _stop_consuming(self) -> None:
        """Leave messages to others; raises one of `link.errors`."""

    @abstractmethod
    async def _settle(self, messages: list[M]) -> None:
        """Tell the broker that these messages are done with; raises one of `link.errors`."""

    def _hold(self, step: UUID, message: M) -> None:
        """A message came."""
        self._held.setdefault(step, _Held()).messages.append(message)
        self._arrived.set()
        self._taker.look()

    async def _review_on(self) -> None:
        while True:
            if not self._held and (self._consuming or not self.link.connected):
                self._arrived.clear()
                await self._arrived_or_a_moment()
            await asyncio.sleep(FULL_REVIEW_SECONDS if self._taker.is_full() else REVIEW_SECONDS)
            failures: tuple[type[Exception], ...] = (*DATABASE_ERRORS, *self.link.errors)
            try:
                await self._review()
            except failures as error:
                log.warning("held messages could not be looked at: %s", error)
                await asyncio.sleep(FULL_REVIEW_SECONDS)
            except Exception:
                log.exception("held messages could not be looked at")
                await asyncio.sleep(HOLD_SECONDS)

    async def _arrived_or_a_moment(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HOLD_SECONDS):
                await self._arrived.wait()

    async def _review(self) -> None:
        """Settle the messages whose steps were not claimed by this worker."""
        full = self._taker.is_full()
        if not full and not self._consuming and not self._closing and self.link.connected:
            await self._consume()
        if not self._held:
            return
        asked = list(self._held)  # others arrive meanwhile, of which nothing is known yet
        found = await find_ready(self._pool, asked)
        paused = [step for step, one in found.items() if one.held]
        foreign = [step for step, one in found.items() if one.handler not in self._taker.handlers]
        waiting = set(found).difference(paused, foreign)
        self._acknowledge(foreign, "foreign")
        self._acknowledge(set(asked).difference(paused, foreign, waiting), "stale")
        await self._give_back(paused)  # they get a new message when they are let go
        if foreign:
            self._pass_on_soon()
        if self._closing:
            await self._give_back(list(waiting))
        elif full:
            await self._hold_no_longer(waiting)
        elif waiting:
            self._taker.look()

    def _pass_on_soon(self) -> None:
        if self._passing_on is None:
            loop = asyncio.get_running_loop()
            due = max(loop.time(), self._passed_on + PASS_ON_SECONDS)
            self._passing_on = loop.call_at(due, self._pass_on)

    def _pass_on(self) -> None:
        self._passing_on = None
        self._passed_on = asyncio.get_running_loop().time()
        self._taker.pass_on()

    async def _hold_no_longer(self, waiting: Iterable[UUID]) -> None:
        oldest = time.monotonic() - HOLD_SECONDS
        if any(self._held[step].since < oldest for step in waiting if step in self._held):
            await self._stop_consuming()
            await self._give_back(list(self._held))

    async def _give_back(self, steps: list[UUID]) -> None:
        if not steps:
            return
        try:
            settled = await settle_messages(self._pool, steps, published=False)
        except DATABASE_ERRORS as error:
            # They stay held, and end with the connection or this worker: their steps then get new ones.
            log.warning("%d messages could not be given back: %s", len(steps), error)
            return
        # Of the others, on which somebody works, the next look decides.
        self._acknowledge(settled, "given_back")
        if settled:
            self._taker.unpublished()

    def _acknowledge(self, steps: Iterable[UUID], outcome: MessageOutcome) -> None:
        settled = [held for step in steps if (held := self._held.pop(step, None)) is not None]
        if settled:
            messages = [message for held in settled for message in held.messages]
            self._counts[outcome] += len(messages)
            task = asyncio.create_task(self._settle_quietly(messages))
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)

    async def _settle_quietly(self, messages: list[M]) -> None:
        # Lost with its connection, a message comes again and proves stale.
        with contextlib.suppress(*self.link.errors):
            crash_point("ack.before")
            await self._settle(messages)
            crash_point("ack.after")


def make_inbox(
    broker: RabbitSettings | PgmqSettings, pool: Pool, taker: Taker, counts: Counter[MessageOutcome]
) -> Inbox[Any]:
    """A worker's inbox at a broker; `counts` is told what becomes of messages."""
    # Imported late: nobody waits for a client of RabbitMQ who has none.
    if isinstance(broker, RabbitSettings):
        from engine.messaging.rabbit_inbox import RabbitInbox

        return RabbitInbox(broker, pool, taker, counts)
    from engine.messaging.pgmq_inbox import PgmqInbox

    return PgmqInbox(broker, pool, taker, counts)
