"""Publishing to a PGMQ in a database of its own: confirmed when its transaction is committed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from engine.messaging.bodies import encode
from engine.messaging.channels import QUEUED
from engine.messaging.notify import Notifier
from engine.messaging.pgmq_link import QUEUE_ERRORS, REFUSALS, PgmqLink
from engine.messaging.publisher import DeclaredQueues
from engine.settings import PgmqSettings
from engine.store import message_queues
from engine.store.messages import StepMessage
from engine.store.pool import Connection


class PgmqPublisher:
    """An engine's way to a queue database. `on_connected` is called whenever it is there again."""

    def __init__(self, settings: PgmqSettings, on_connected: Callable[[], None]) -> None:
        self.link = PgmqLink(settings.dsn, self._set_up)
        self._notifier = Notifier(self.link) if settings.notifies else None
        self._on_connected = on_connected
        self._queues = DeclaredQueues(REFUSALS)

    async def publish(self, messages: Sequence[StepMessage]) -> set[UUID]:
        """Publish the messages of steps; returns those that are in their queues.

        What is refused stays without one. `link.connected` is False afterwards if nobody answered.
        """
        by_namespace: dict[str, list[StepMessage]] = defaultdict(list)
        for one in messages:
            by_namespace[one.namespace].append(one)
        sent: set[UUID] = set()
        for namespace, some in by_namespace.items():
            try:
                if await self._send(namespace, some):
                    sent.update(one.step_uuid for one in some)
            except QUEUE_ERRORS:  # the link begins anew
                break
        if sent and self._notifier:
            self._notifier.wake(QUEUED)
        return sent

    async def depths(self, namespaces: Iterable[str]) -> dict[str, int]:
        """How many messages wait in the queues of namespaces. A queue that is gone has none.

        Raises what a database that is away raises.
        """
        found = {}
        async with self.link.another() as conn:
            for namespace in namespaces:
                depth = await message_queues.depth(conn, namespace)
                if depth is None:
                    self._queues.forget(namespace)
                found[namespace] = depth or 0
        return found

    async def _set_up(self, connection: Connection) -> None:
        self._queues.forget_all()
        self._on_connected()

    async def _send(self, namespace: str, messages: Sequence[StepMessage]) -> bool:
        async with self.link.connection() as conn:
            usable = await self._queues.is_usable(namespace, lambda: message_queues.declare(conn, namespace))
            if usable:
                await message_queues.send(conn, namespace, [encode(one).decode() for one in messages])
        return usable
