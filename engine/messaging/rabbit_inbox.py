"""A worker's inbox at RabbitMQ: the broker delivers, and keeps what is not acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import AMQPChannelError

from engine.messaging.bodies import step_of
from engine.messaging.inbox import Bodies, Inbox
from engine.messaging.publisher import DeclaredQueues
from engine.messaging.rabbit_link import BROKER_ERRORS, RabbitLink, answered
from engine.messaging.rabbit_topology import declare_queue
from engine.messaging.stuck_queues import StuckQueues
from engine.messaging.taker import MessageOutcome, Taker
from engine.settings import RabbitSettings
from engine.store.pool import Pool
from engine.store.registration import queue_name

log = logging.getLogger("tasker.messaging")

CANCEL_SECONDS = 2.0
"""How long a broker may take to stop delivering: one that hangs must not keep a worker from ending."""


REFUSED_SECONDS = 5.0
"""Until a queue that was refused is asked for again."""


class RabbitInbox(Inbox[AbstractIncomingMessage]):
    """Consumes the queues of a worker's namespaces."""

    link: RabbitLink

    def __init__(
        self, settings: RabbitSettings, pool: Pool, taker: Taker, counts: Counter[MessageOutcome]
    ) -> None:
        super().__init__(pool, taker, counts)
        self.link = RabbitLink(settings.address, "tasker worker", self._set_up)
        self._settings = settings
        self._consumers: dict[str, tuple[AbstractQueue, str]] = {}
        self._channel: AbstractChannel | None = None
        self._queues = DeclaredQueues(AMQPChannelError)
        self._stuck = StuckQueues()
        self._usable: list[str] = []

    def bodies(self) -> Bodies:
        """What has to run."""
        return super().bodies() | {"asking for refused queues": self._ask_again}

    async def _set_up(self, connection: AbstractConnection) -> None:
        self._held.clear()  # the broker delivers them again
        self._consumers.clear()
        self._queues.forget_all()
        self._usable = [name for name in self._taker.namespaces if await self._is_usable(connection, name)]
        channel = connection.channel(publisher_confirms=False)
        await channel.initialize()
        await self.link.watch(channel)
        await channel.set_qos(prefetch_count=self._settings.prefetch)
        self._channel = channel
        await self._consume()

    async def _is_usable(self, connection: AbstractConnection, namespace: str) -> bool:
        if self._stuck.left_alone(namespace):
            return False
        try:
            return await self._queues.is_usable(
                namespace, lambda: declare_queue(connection, namespace, self._settings)
            )
        except BROKER_ERRORS:
            self._stuck.failed(namespace)
            raise

    async def _ask_again(self) -> None:
        while True:
            await asyncio.sleep(REFUSED_SECONDS)
            if not self.link.connected:
                continue
            with contextlib.suppress(*BROKER_ERRORS):  # the link finds out
                for name in self._taker.namespaces:
                    if name not in self._usable and await self._is_usable(self.link.connection, name):
                        self._usable.append(name)
                        self._arrived.set()

    @property
    def _consuming(self) -> bool:
        # Of no queue at all nothing more will come by asking.
        return all(queue_name(namespace) in self._consumers for namespace in self._usable)

    async def _consume(self) -> None:
        if self._channel is None or self._closing:
            return
        try:
            for namespace in list(self._usable):
                if queue_name(namespace) not in self._consumers:
                    await self._consume_of(self._channel, namespace)
        except self.link.errors:
            self.link.drop()  # the channel is no good any more
            raise

    async def _consume_of(self, channel: AbstractChannel, namespace: str) -> None:
        name = queue_name(namespace)
        try:
            async with answered():
                queue = await channel.get_queue(name, ensure=False)
                self._consumers[name] = (queue, await queue.consume(self._on_message))
        except self.link.errors:
            self._stuck.failed(namespace)
            raise
        self._stuck.answered(namespace)

    async def _stop_consuming(self) -> None:
        consumers, self._consumers = self._consumers, {}
        try:
            async with answered(CANCEL_SECONDS):
                for queue, tag in consumers.values():
                    await queue.cancel(tag)
        except self.link.errors:
            self.link.drop()  # who knows which of them still deliver: a new connection has none
            raise

    async def _settle(self, messages: list[AbstractIncomingMessage]) -> None:
        async with answered():
            for message in messages:
                await message.ack()

    async def _on_message(self, message: AbstractIncomingMessage) -> None:
        step = step_of(message.body)
        if step is not None:
            self._hold(step, message)
            return
        self._counts["refused"] += 1
        log.warning("a message of %s is not ours; it goes to the dead letters", message.routing_key)
        with contextlib.suppress(*BROKER_ERRORS):
            await message.reject(requeue=False)
