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
from engine.messaging.stuck_queues import StuckQueues
from engine.settings import RabbitSettings
from engine.store.messages import StepMessage
from engine.store.registration import queue_name

_Outcome: TypeAlias = Literal["confirmed", "returned", "refused", "lost", "unsent"]


class RabbitPublisher:
    """An engine's way to RabbitMQ. `on_connected` is called whenever it is there again."""

    def __init__(self, settings: RabbitSettings, on_connected: Callable[[], None]) -> None:
        self.link = RabbitLink(settings.address, "tasker engine", self._set_up)
        self._settings = settings
        self._on_connected = on_connected
        self._channel: AbstractChannel | None = None
        self._queues = DeclaredQueues(AMQPChannelError)
        self._stuck = StuckQueues()

    async def publish(self, messages: Sequence[StepMessage]) -> set[UUID]:
        """Publish the messages of steps; returns those that the broker has confirmed.

        What it refuses stays without one. `link.connected` is False afterwards if it did not answer.
        """
        channel = self._channel
        outcomes = await self._publish_all(messages)
        returned = [one for one in messages if outcomes[one.step_uuid] == "returned"]
        for namespace in {one.namespace for one in returned}:
            self._queues.forget(namespace)  # somebody deleted it
        outcomes |= await self._publish_all(returned)
        if self._channel is channel and self._is_doubtful(messages, outcomes):
            # The broker does not answer: a new connection finds out why.
            self.link.drop()
        return {step for step, outcome in outcomes.items() if outcome == "confirmed"}

    async def depths(self, namespaces: Iterable[str]) -> dict[str, int]:
        """How many messages wait in the queues of namespaces; those are left out that it keeps to itself.

        A queue that is gone has none. Raises what a broker that is away raises.
        """
        found = {}
        for namespace in namespaces:
            try:
                depth = await queue_depth(self.link.connection, namespace)
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
        await self.link.watch(channel)
        self._channel = channel
        self._on_connected()

    async def _is_usable(self, namespace: str) -> bool:
        return await self._queues.is_usable(
            namespace, lambda: declare_queue(self.link.connection, namespace, self._settings)
        )

    async def _publish_all(self, messages: Sequence[StepMessage]) -> dict[UUID, _Outcome]:
        """Each to its namespace's queue, which is declared before."""
        usable: dict[str, bool] = {}
        for name in {one.namespace for one in messages}:
            try:
                usable[name] = not self._stuck.left_alone(name) and await self._is_usable(name)
            except BROKER_ERRORS:
                return {one.step_uuid: "lost" if one.namespace == name else "unsent" for one in messages}
        outcomes = await asyncio.gather(*(self._publish(one, usable[one.namespace]) for one in messages))
        return {one.step_uuid: outcome for one, outcome in zip(messages, outcomes, strict=True)}

    def _is_doubtful(self, messages: Sequence[StepMessage], outcomes: dict[UUID, _Outcome]) -> bool:
        """Note which queues did not answer; whether it may be the broker that does not."""
        lost = {one.namespace for one in messages if outcomes[one.step_uuid] == "lost"}
        for namespace in {one.namespace for one in messages if outcomes[one.step_uuid] == "confirmed"} - lost:
            self._stuck.answered(namespace)
        for namespace in lost:
            self._stuck.failed(namespace)
        return not all(map(self._stuck.left_alone, lost))

    async def _publish(self, one: StepMessage, usable: bool) -> _Outcome:
        if not usable:
            return "refused"
        try:
            await self._send(one)
        except PublishError:
            return "returned"
        except DeliveryError:  # the queue is full
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
