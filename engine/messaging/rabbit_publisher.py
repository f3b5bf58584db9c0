"""Publishing to RabbitMQ: persistent, mandatory, and confirmed by the broker or not counted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias
from uuid import UUID

import orjson
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import AMQPChannelError, DeliveryError, PublishError

from engine.messaging.rabbit_link import BROKER_ERRORS, RabbitLink
from engine.messaging.rabbit_topology import declare_queue, queue_depth
from engine.settings import RabbitSettings
from engine.store.messages import StepMessage
from engine.store.registration import queue_name

log = logging.getLogger("tasker.messaging")

CONFIRM_SECONDS = 5.0

_Outcome: TypeAlias = Literal["confirmed", "refused", "lost"]


class RabbitPublisher:
    """An engine's way to RabbitMQ. `on_connected` is called whenever it is there again."""

    def __init__(self, settings: RabbitSettings, on_connected: Callable[[], None]) -> None:
        self.link = RabbitLink(settings.address, "tasker engine", self._set_up)
        self._settings = settings
        self._on_connected = on_connected
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._declared: set[str] = set()
        self._refused: set[str] = set()

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

    async def is_empty(self, namespace: str) -> bool:
        """Whether a namespace's queue holds no message; raises what a broker that is away raises."""
        if self._connection is None:
            raise ConnectionError("not connected")
        try:
            depth = await queue_depth(self._connection, namespace)
        except AMQPChannelError:  # refused: nobody knows
            return False
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

    async def _is_usable(self, namespace: str) -> bool:
        """Whether the broker lets us have a namespace's queue; the others' messages don't wait for it."""
        try:
            await self._have_queue(namespace)
        except AMQPChannelError as error:
            if namespace not in self._refused:
                log.warning(
                    "the queue of namespace %s is refused (%s); its steps are polled", namespace, error
                )
            self._refused.add(namespace)
            return False
        self._refused.discard(namespace)
        return True

    async def _publish(self, one: StepMessage) -> _Outcome:
        try:
            try:
                await self._send(one)
            except PublishError:  # returned: somebody deleted the queue
                self._declared.discard(one.namespace)
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
