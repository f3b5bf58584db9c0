"""What an engine needs of a broker that is published to after the commit, and the choice of one."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol
from uuid import UUID

from engine.messaging.link import Link
from engine.settings import PgmqSettings, RabbitSettings
from engine.store.messages import StepMessage

log = logging.getLogger("tasker.messaging")


class Publisher(Protocol):
    """An engine's way to a broker."""

    @property
    def link(self) -> Link:
        """The connection, which somebody has to run."""

    async def publish(self, messages: Sequence[StepMessage]) -> set[UUID]:
        """Publish the messages of steps; returns those that the broker has confirmed.

        What it refuses stays without one. `link.connected` is False afterwards if it did not answer.
        """

    async def depths(self, namespaces: Iterable[str]) -> dict[str, int]:
        """How many messages wait in the queues of namespaces; those are left out that it keeps to itself.

        A queue that is gone has none. Raises one of `link.errors`.
        """


def make_publisher(broker: RabbitSettings | PgmqSettings, on_connected: Callable[[], None]) -> Publisher:
    """The publisher of a broker. `on_connected` is called whenever it is there again."""
    # Imported late: nobody waits for a client of RabbitMQ who has none.
    if isinstance(broker, RabbitSettings):
        from engine.messaging.rabbit_publisher import RabbitPublisher

        return RabbitPublisher(broker, on_connected)
    from engine.messaging.pgmq_publisher import PgmqPublisher

    return PgmqPublisher(broker, on_connected)


class DeclaredQueues:
    """The queues that were declared on one connection after another, by their namespaces.

    `refusals` is what a broker raises that does not let us have one of them.
    """

    def __init__(self, refusals: type[Exception] | tuple[type[Exception], ...]) -> None:
        self._refusals = refusals
        self._declared: set[str] = set()
        self._refused: set[str] = set()

    async def is_usable(self, namespace: str, declare: Callable[[], Awaitable[None]]) -> bool:
        """Whether the broker lets us have a queue; other namespaces don't wait for it. Warns once."""
        if namespace in self._declared:
            return True
        try:
            await declare()
        except self._refusals as error:
            if namespace not in self._refused:
                log.warning(
                    "the queue of namespace %s is refused (%s); its steps are polled", namespace, error
                )
            self._refused.add(namespace)
            return False
        self._declared.add(namespace)
        self._refused.discard(namespace)
        return True

    def forget(self, namespace: str) -> None:
        """It is gone."""
        self._declared.discard(namespace)

    def forget_all(self) -> None:
        """A new connection."""
        self._declared.clear()
