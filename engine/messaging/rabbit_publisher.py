"""Publishing to RabbitMQ: persistent, mandatory, and confirmed by the broker or not counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeAlias
from uuid import UUID

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import AMQPChannelError, DeliveryError, PublishError

from engine.messaging.bodies import encode
from engine.messaging.publisher import DeclaredQueues
from engine.messaging.rabbit_link import BROKER_ERRORS, RabbitLink, answered
from engine.messaging.rabbit_topology import declare_queue, queue_depth
from engine.settings import RabbitSettings
from engine.store.messages import StepMessage
from engine.store.registration import queue_name

_Outcome: TypeAlias = Literal["confirmed", "refused", "lost"]


class RabbitPublisher:
    """An engine's way to RabbitMQ. `on_connected` is called whenever it is there again."""

    def __init__(self, settings: RabbitSettings, on_connected: Callable[[], None]) -> None:
        self.link = RabbitLink(settings.address, "tasker engine", self._set_up)
        self._settings = settings
        self._on_connected = on_connected
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._queues = DeclaredQueues(AMQPChannelError)

    async def publish(self, messages: Sequence[StepMessage]) -> set[UUID]:
        """Publish the messages of steps; returns those that the broker has confirmed.

        What it refuses stays without one. `link.connected` is False afterwards if it did not answer.
        """
        channel = self._channel
        try:
            usable = {name for name in {one.namespace for one in messages} if await self._is_usable(name)}
            tried = [one for one in messages if one.namespace in usable]
            outcomes = await asyncio.gather(*(self._publish(one) for one in tried))
        except BROKER_ERRORS:
            outcomes, tried = [], []
            self.link.drop()
        if "lost" in outcomes and self._channel is channel:
            # The broker does not answer: a new connection finds out why.
            self.link.drop()
        return {one.step_uuid for one, outcome in zip(tried, outcomes, strict=True) if outcome == "confirmed"}

    async def depths(self, namespaces: Iterable[str]) -> dict[str, int]:
        """How many messages wait in the queues of namespaces; those are left out that it keeps to itself.

        A queue that is gone has none. Raises what a broker that is away raises.
        """
        found = {}
        for namespace in namespaces:
            try:
                depth = await queue_depth(self._connected(), namespace)
            except AMQPChannelError:  # refused: nobody knows
                continue
            if depth is None:
                self._queues.forget(namespace)
            found[namespace] = depth or 0
        return found

    async def _set_up(self, connection: AbstractConnection) -> None:
        self._queues.forget_all()
        channel = connection.channel(publisher_confirms=True, on_return_raises=True)
        await channel.initialize()
        self.link.watch(channel)
        self._connection, self._channel = connection, channel
        self._on_connected()

    def _connected(self) -> AbstractConnection:
        if self._connection is None:
            raise ConnectionError("not connected")
        return self._connection

    async def _is_usable(self, namespace: str) -> bool:
        return await self._queues.is_usable(
            namespace, lambda: declare_queue(self._connected(), namespace, self._settings)
        )

    async def _publish(self, one: StepMessage) -> _Outcome:
        try:
            try:
                await self._send(one)
            except PublishError:  # returned: somebody deleted the queue
                self._queues.forget(one.namespace)
                if not await self._is_usable(one.namespace):
                    return "refused"
                await self._send(one)
        except DeliveryError:  # the queue is full, or gone once more
            return "refused"
        except BROKER_ERRORS:
            return "lost"
        return "confirmed"

    async def _send(self, one: StepMessage) -> None:
        assert self._channel is not None
        message = Message(encode(one), delivery_mode=DeliveryMode.PERSISTENT, content_type="application/json")
        async with answered():
            await self._channel.default_exchange.publish(
                message, routing_key=queue_name(one.namespace), mandatory=True
            )
