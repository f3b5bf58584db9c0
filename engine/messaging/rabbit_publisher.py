"""Publishing to RabbitMQ: persistent, mandatory, and confirmed by the broker or not counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

import orjson
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import PublishError

from engine.messaging.rabbit_link import BROKER_ERRORS, RabbitLink
from engine.messaging.rabbit_topology import declare_queue, queue_depth
from engine.settings import RabbitSettings
from engine.store.messages import StepMessage
from engine.store.registration import queue_name

CONFIRM_SECONDS = 5.0


class RabbitPublisher:
    """An engine's way to RabbitMQ. `on_connected` is called whenever it is there again."""

    def __init__(self, settings: RabbitSettings, on_connected: Callable[[], None]) -> None:
        self.link = RabbitLink(settings.address, "tasker engine", self._set_up)
        self._settings = settings
        self._on_connected = on_connected
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._declared: set[str] = set()

    async def publish(self, messages: Sequence[StepMessage]) -> set[UUID]:
        """Publish the messages of steps; returns those that the broker has confirmed."""
        channel = self._channel
        try:
            for namespace in sorted({one.namespace for one in messages}):
                await self._have_queue(namespace)
        except BROKER_ERRORS:
            self.link.drop()
            return set()
        done = await asyncio.gather(*(self._publish(one) for one in messages))
        if not all(done) and self._channel is channel:
            # The broker does not answer: a new connection finds out why.
            self.link.drop()
        return {one.step_uuid for one, confirmed in zip(messages, done, strict=True) if confirmed}

    async def is_empty(self, namespace: str) -> bool:
        """Whether a namespace's queue holds no message; raises what a broker that is away raises."""
        if self._connection is None:
            raise ConnectionError("not connected")
        depth = await queue_depth(self._connection, namespace)
        if depth is None:
            self._declared.discard(namespace)
        return not depth

    async def _set_up(self, connection: AbstractConnection) -> None:
        self._declared.clear()
        channel = connection.channel(publisher_confirms=True, on_return_raises=True)
        await channel.initialize()
        self.link.watch(channel)
        self._connection, self._channel = connection, channel
        self._on_connected()

    async def _have_queue(self, namespace: str) -> None:
        if self._connection is None:
            raise ConnectionError("not connected")
        if namespace not in self._declared:
            await declare_queue(self._connection, namespace, self._settings)
            self._declared.add(namespace)

    async def _publish(self, one: StepMessage) -> bool:
        try:
            try:
                await self._send(one)
            except PublishError:  # returned: somebody deleted the queue
                self._declared.discard(one.namespace)
                await self._have_queue(one.namespace)
                await self._send(one)
        except BROKER_ERRORS:
            return False
        return True

    async def _send(self, one: StepMessage) -> None:
        assert self._channel is not None
        await self._channel.default_exchange.publish(
            Message(encode(one), delivery_mode=DeliveryMode.PERSISTENT, content_type="application/json"),
            routing_key=queue_name(one.namespace),
            mandatory=True,
            timeout=CONFIRM_SECONDS,
        )


def encode(message: StepMessage) -> bytes:
    """A message as PGMQ's are: three uuids."""
    return orjson.dumps(
        {
            "task_uuid": str(message.task_uuid),
            "step_uuid": str(message.step_uuid),
            "correlation_id": str(message.correlation_id),
        }
    )
