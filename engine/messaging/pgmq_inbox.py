"""A worker's inbox at a PGMQ in a database of its own: messages are taken out as they are read.

One that is taken is gone from its queue. If the worker ends before its step is claimed, others find the step
by looking, or an engine finds that its message is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from engine.messaging.bodies import step_of
from engine.messaging.channels import QUEUED
from engine.messaging.inbox import HOLD_SECONDS, Bodies, Inbox
from engine.messaging.pgmq_link import QUEUE_ERRORS, REFUSALS, PgmqLink
from engine.messaging.publisher import DeclaredQueues
from engine.messaging.taker import MessageOutcome, Taker
from engine.settings import PgmqSettings
from engine.store import message_queues
from engine.store.message_queues import Message
from engine.store.pool import Connection, Pool

log = logging.getLogger("tasker.messaging")

PREFETCH = 20
"""Messages that a worker holds before it takes more of a queue."""

FORGOTTEN = 10_000
"""Claims whose messages are removed when the database is there again; beyond, they prove stale."""

SWEEP_SECONDS = 2.0
"""How often a queue is looked at from its beginning, for what was committed out of order."""


class PgmqInbox(Inbox[Message]):
    """Takes messages from the queues of a worker's namespaces when it is told of some, or now and then."""

    link: PgmqLink

    def __init__(
        self, settings: PgmqSettings, pool: Pool, taker: Taker, counts: Counter[MessageOutcome]
    ) -> None:
        super().__init__(pool, taker, counts)
        self.link = PgmqLink(settings.dsn, self._set_up)
        self._settings = settings
        self._queues = DeclaredQueues(REFUSALS)
        self._taken_to: dict[str, int] = {}
        self._swept_at = 0.0
        self._told = asyncio.Event()
        self._takes = False
        self._more = False
        self._without: set[UUID] = set()

    def bodies(self) -> Bodies:
        """What has to run."""
        return super().bodies() | {"taking messages": self._take_on}

    def claimed(self, steps: Iterable[UUID]) -> None:
        """These steps, which waited, are claimed; the messages of those that were found without go too."""
        steps = list(steps)
        self._without.update(step for step in steps if step not in self._held)
        super().claimed(steps)
        if self._without:
            self._told.set()

    async def _set_up(self, connection: Connection) -> None:
        self._queues.forget_all()
        self._taken_to = {}
        for namespace in self._taker.namespaces:
            if await self._is_usable(connection, namespace):
                self._taken_to[namespace] = 0
        if self._settings.notifies:
            await connection.add_listener(QUEUED, self._on_told)
        await self._consume()

    async def _is_usable(self, connection: Connection, namespace: str) -> bool:
        return await self._queues.is_usable(namespace, lambda: message_queues.declare(connection, namespace))

    @property
    def _consuming(self) -> bool:
        return self._takes

    async def _consume(self) -> None:
        self._takes = not self._closing
        self._told.set()

    async def _stop_consuming(self) -> None:
        self._takes = False
        # What is being taken is gone from its queue already: it has to be in hand before all is given back.
        await self.link.turn()

    async def _settle(self, messages: list[Message]) -> None:
        # They are gone already, and make room for others.
        if self._more:
            self._told.set()

    def _on_told(self, *_: Any) -> None:
        self._told.set()

    async def _take_on(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.poll_seconds):
                    await self._told.wait()
            self._told.clear()
            if not self.link.connected:
                if len(self._without) > FORGOTTEN:
                    self._without.clear()
                continue
            try:
                await self._take()
            except QUEUE_ERRORS as error:
                log.warning("messages could not be taken: %s", error)
            except Exception:
                log.exception("messages could not be taken")
                await asyncio.sleep(HOLD_SECONDS)

    async def _take(self) -> None:
        without, self._without = self._without, set()
        now = asyncio.get_running_loop().time()
        if now - self._swept_at >= SWEEP_SECONDS:
            self._swept_at = now
            self._taken_to = dict.fromkeys(self._taken_to, 0)
        self._more = False
        for namespace in self._taken_to:
            async with self.link.connection() as conn:
                if without:
                    await message_queues.remove(conn, namespace, list(without))
                if self._takes:
                    await self._take_some(conn, namespace)

    async def _take_some(self, conn: Connection, namespace: str) -> None:
        room = PREFETCH - len(self._held)
        if room <= 0:
            self._more = True
            return
        taken = await message_queues.take(conn, namespace, self._taken_to[namespace], room)
        self._more |= len(taken) == room
        for message in taken:
            self._taken_to[namespace] = message.number
            step = step_of(message.body)
            if step is not None:
                self._hold(step, message)
                continue
            self._counts["refused"] += 1
            log.warning("a message of namespace %s is not ours; it goes to the archive", namespace)
            await message_queues.archive(conn, namespace, message)
