"""The connection to RabbitMQ."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from engine.background import told_to_end
from engine.messaging.link import CONNECT_SECONDS, Link

# It writes each refused attempt as an error; what is worth saying of them is said by the link.
logging.getLogger("aiormq.connection").setLevel(logging.CRITICAL)

ANSWER_SECONDS = 5.0
CLOSE_SECONDS = 2.0
HEARTBEAT_SECONDS = 10
"""Unless the URL names others. Three of them may be missed."""

BROKER_ERRORS = (*CONNECTION_EXCEPTIONS, TimeoutError)
"""What a broker that is away, refuses or does not answer raises."""


@contextlib.asynccontextmanager
async def answered(seconds: float | None = None) -> AsyncIterator[None]:
    """Give the broker so long to answer, or ANSWER_SECONDS; raises one of BROKER_ERRORS.

    Who waits for an answer on a connection that is given up gets a CancelledError from the client's library.
    To us a lost connection is an error, and ends nobody. The other way round, the library loses a word to end
    that comes along with an answer (it uses `asyncio.wait_for`, python/cpython#86296).
    """
    task = asyncio.current_task()
    assert task is not None
    told_before = task.cancelling()
    try:
        async with asyncio.timeout(ANSWER_SECONDS if seconds is None else seconds):
            yield
        if task.cancelling() > told_before:
            raise asyncio.CancelledError
    except asyncio.CancelledError:
        if told_to_end():
            raise
        raise ConnectionError("the connection was lost") from None


class RabbitLink(Link):
    """Keeps a connection. `set_up` is called with each new one and makes its channels and queues."""

    title = "RabbitMQ"
    errors = BROKER_ERRORS

    def __init__(self, url: str, name: str, set_up: Callable[[AbstractConnection], Awaitable[None]]) -> None:
        super().__init__()
        self._url = url
        self._heartbeat = parse_qs(urlsplit(url).query).get("heartbeat", [HEARTBEAT_SECONDS])[0]
        self._name = name
        self._set_up = set_up
        self._connection: AbstractConnection | None = None

    @property
    def connection(self) -> AbstractConnection:
        """The present one; raises ConnectionError without one."""
        if self._connection is None:
            raise ConnectionError("not connected")
        return self._connection

    async def watch(self, channel: AbstractChannel) -> None:
        """Begin anew when the broker closes this channel, or ends a consumer on it: its queue was deleted."""
        (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(self._when_closed())
        channel.close_callbacks.add(self._when_closed())

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        async with answered(CONNECT_SECONDS):
            connection = await aio_pika.connect(
                self._url, heartbeat=self._heartbeat, client_properties={"connection_name": self._name}
            )
        try:
            connection.close_callbacks.add(self._when_closed())
            async with answered(CONNECT_SECONDS):  # a queue without a leader answers nothing
                await self._set_up(connection)
            self._connection = connection
            yield
        finally:
            self._connection = None
            with contextlib.suppress(*BROKER_ERRORS):
                async with answered(CLOSE_SECONDS):
                    await connection.close()
