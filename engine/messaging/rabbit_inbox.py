"""A worker's end of RabbitMQ: messages that say "look", held until the database knows better.

A message is acknowledged when its step is claimed or no longer waits. It is never put back: a step that this
worker can't take is noted in the database as having no message, and an engine publishes it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

import orjson
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import AMQPChannelError

from engine.messaging.rabbit_link import BROKER_ERRORS, RabbitLink
from engine.messaging.rabbit_topology import declare_queue
from engine.messaging.taker import MessageOutcome, Taker
from engine.settings import RabbitSettings
from engine.store.messages import find_ready, settle_published
from engine.store.pool import RECONNECTABLE, Pool
from engine.store.registration import queue_name

log = logging.getLogger("tasker.messaging")

REVIEW_SECONDS = 0.02
"""A claim that a message has woken takes less."""
FULL_REVIEW_SECONDS = 0.25
PASS_ON_SECONDS = 0.25
"""Between two words to others that steps are not for this worker. A queue may be full of those."""
HOLD_SECONDS = 1.0
"""How long a worker without a free slot keeps messages from others. Far below the consumer_timeout."""
CANCEL_SECONDS = 2.0
"""How long a broker may take to stop delivering: one that hangs must not keep a worker from ending."""


@dataclass(slots=True)
class _Held:
    messages: list[AbstractIncomingMessage] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)


class RabbitInbox:
    """Consumes the queues of a worker's namespaces between `run` and `close`."""

    def __init__(
        self, settings: RabbitSettings, pool: Pool, taker: Taker, counts: Counter[MessageOutcome]
    ) -> None:
        self.link = RabbitLink(settings.address, "tasker worker", self._set_up)
        self._settings = settings
        self._pool = pool
        self._taker = taker
        self._counts = counts
        self._held: dict[UUID, _Held] = {}
        self._arrived = asyncio.Event()
        self._consumers: list[tuple[AbstractQueue, str]] = []
        self._channel: AbstractChannel | None = None
        self._usable: list[str] = []
        self._acks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._passed_on = float("-inf")
        self._passing_on: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Consume until cancelled."""
        await asyncio.gather(self.link.run(), self._review_on())

    def claimed(self, steps: Iterable[UUID]) -> None:
        """These steps are claimed, and the claim is committed."""
        self._acknowledge(steps, "claimed")

    async def close(self) -> None:
        """Take no more, and leave what is held to others."""
        self._closing = True
        with contextlib.suppress(*BROKER_ERRORS):
            await self._stop_consuming()
        await self._give_back(list(self._held))
        if self._acks:
            await asyncio.wait(self._acks, timeout=HOLD_SECONDS)

    async def _set_up(self, connection: AbstractConnection) -> None:
        self._held.clear()  # the broker delivers them again
        self._consumers.clear()
        self._usable = [name for name in self._taker.namespaces if await self._is_usable(connection, name)]
        channel = connection.channel(publisher_confirms=False)
        await channel.initialize()
        self.link.watch(channel)
        underlay = await channel.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(lambda _: self.link.drop())  # a queue was deleted
        await channel.set_qos(prefetch_count=self._settings.prefetch)
        self._channel = channel
        await self._consume()

    async def _is_usable(self, connection: AbstractConnection, namespace: str) -> bool:
        """Whether the broker lets us have a namespace's queue; steps of one that it refuses are polled."""
        try:
            await declare_queue(connection, namespace, self._settings)
        except AMQPChannelError as error:
            log.warning("the queue of namespace %s is refused (%s); its steps are polled", namespace, error)
            return False
        return True

    async def _consume(self) -> None:
        if self._channel is None or self._closing:
            return
        for name in dict.fromkeys(queue_name(namespace) for namespace in self._usable):
            queue = await self._channel.get_queue(name, ensure=False)
            self._consumers.append((queue, await queue.consume(self._on_message)))

    async def _stop_consuming(self) -> None:
        consumers, self._consumers = self._consumers, []
        async with asyncio.timeout(CANCEL_SECONDS):
            for queue, tag in consumers:
                await queue.cancel(tag)

    async def _on_message(self, message: AbstractIncomingMessage) -> None:
        step = _step_of(message.body)
        if step is None:
            self._counts["refused"] += 1
            log.warning("a message of %s is not ours; it goes to the dead letters", message.routing_key)
            with contextlib.suppress(*BROKER_ERRORS):
                await message.reject(requeue=False)
            return
        self._held.setdefault(step, _Held()).messages.append(message)
        self._arrived.set()
        self._taker.look()

    async def _review_on(self) -> None:
        while True:
            if not self._held and (self._consumers or not self.link.connected):
                self._arrived.clear()
                await self._arrived_or_a_moment()
            await asyncio.sleep(FULL_REVIEW_SECONDS if self._taker.is_full() else REVIEW_SECONDS)
            try:
                await self._review()
            except (*RECONNECTABLE, *BROKER_ERRORS) as error:
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
        if not full and not self._consumers and self.link.connected:
            await self._consume()
        if not self._held:
            return
        found = await find_ready(self._pool, list(self._held))
        paused = [step for step, one in found.items() if one.held]
        foreign = [step for step, one in found.items() if one.handler not in self._taker.handlers]
        waiting = set(found).difference(paused, foreign)
        self._acknowledge(foreign, "foreign")
        self._acknowledge(set(self._held).difference(paused, waiting), "stale")
        await self._give_back(paused)  # they get a new message when they are let go
        if foreign:
            self._pass_on_soon()
        if full:
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
            await settle_published(self._pool, steps, published=False)
        except RECONNECTABLE as error:
            # The messages stay unacknowledged, and go back when the connection ends.
            log.warning("%d messages could not be given back: %s", len(steps), error)
            return
        self._acknowledge(steps, "given_back")
        self._taker.unpublished()

    def _acknowledge(self, steps: Iterable[UUID], outcome: MessageOutcome) -> None:
        settled = [held for step in steps if (held := self._held.pop(step, None)) is not None]
        if settled:
            messages = [message for held in settled for message in held.messages]
            self._counts[outcome] += len(messages)
            task = asyncio.create_task(_ack(messages))
            self._acks.add(task)
            task.add_done_callback(self._acks.discard)


async def _ack(messages: list[AbstractIncomingMessage]) -> None:
    # Lost with its connection, a message comes again and proves stale.
    with contextlib.suppress(*BROKER_ERRORS):
        for message in messages:
            await message.ack()


def _step_of(body: bytes) -> UUID | None:
    try:
        return UUID(orjson.loads(body)["step_uuid"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
