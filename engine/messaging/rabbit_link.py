"""One connection to RabbitMQ, opened again with a growing wait whenever it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

log = logging.getLogger("tasker.messaging")

# It writes each refused attempt as an error; what is worth saying of them is said here.
logging.getLogger("aiormq.connection").setLevel(logging.CRITICAL)

CONNECT_SECONDS = 10.0
RECONNECT_SECONDS = (0.1, 5.0)
CLOSE_SECONDS = 2.0
STEADY_SECONDS = 3.0
"""A connection that lasted so long is no reason to wait longer for the next one."""

BROKER_ERRORS = (*CONNECTION_EXCEPTIONS, TimeoutError)
"""What a broker that is away, refuses or does not answer raises."""


class RabbitLink:
    """Keeps a connection. `set_up` is called with each new one and makes its channels and queues.

    `error` says in words why there is none at the moment.
    """

    def __init__(self, url: str, name: str, set_up: Callable[[AbstractConnection], Awaitable[None]]) -> None:
        self.connected = False
        self.error: str | None = "not connected yet"
        self._url = url
        self._name = name
        self._set_up = set_up
        self._lost = asyncio.Event()

    async def run(self) -> None:
        """Keep it until cancelled."""
        wait, longest = RECONNECT_SECONDS
        while True:
            try:
                lasted = await self._keep_one()
            except BROKER_ERRORS as error:
                self._complain(error)
                lasted = False
            except Exception as error:
                log.exception("the connection to RabbitMQ failed; trying again")
                self.error = type(error).__name__
                lasted = False
            if lasted:
                wait = RECONNECT_SECONDS[0]
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))
            wait = min(wait * 2, longest)

    def watch(self, channel: AbstractChannel) -> None:
        """Begin anew when the broker closes this channel."""
        channel.close_callbacks.add(self._on_close)

    def drop(self) -> None:
        """Begin anew: what was declared is gone."""
        self.connected = False
        self._lost.set()

    async def _keep_one(self) -> bool:
        """One connection from its beginning to its end; returns whether it lasted."""
        self._lost.clear()
        connection = await aio_pika.connect(
            self._url,
            timeout=CONNECT_SECONDS,
            client_properties={"connection_name": self._name},
        )
        try:
            connection.close_callbacks.add(self._on_close)
            await self._set_up(connection)
            if self.error is not None:
                log.info("connected to RabbitMQ")
            self.connected, self.error = True, None
            since = time.monotonic()
            await self._lost.wait()
            self.error = "the connection was lost"
            log.warning("the connection to RabbitMQ was lost; opening it again")
            return time.monotonic() - since >= STEADY_SECONDS
        finally:
            self.connected = False
            with contextlib.suppress(*BROKER_ERRORS):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await connection.close()

    def _complain(self, error: BaseException) -> None:
        words = str(error) or type(error).__name__
        if words != self.error:
            log.warning("RabbitMQ can't be used (%s); steps are found by polling until it can", words)
        self.error = words

    def _on_close(self, *_: Any) -> None:
        self._lost.set()
