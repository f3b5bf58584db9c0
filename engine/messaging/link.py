"""One connection to a broker, opened again with a growing wait whenever it is lost."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import ClassVar

from engine.model.breaker import MESSAGING, CircuitBreaker

log = logging.getLogger("tasker.messaging")

CONNECT_SECONDS = 10.0
RECONNECT_SECONDS = (0.1, 5.0)
STEADY_SECONDS = 3.0
"""A connection that lasted so long is a success, and no reason to wait longer for the next one."""
DOUBT_SECONDS = 30.0
"""How long a broker that gave no confirmation is believed by its next one alone."""


class Link(ABC):
    """Keeps a connection, set up anew each time. `error` says in words why there is none at the moment.

    `title` is the broker's name in a sentence, `errors` what is raised when it is away, refuses or does not
    answer. The breaker keeps nobody away: there is no call without a connection (decision 0015).
    """

    title: ClassVar[str]
    errors: ClassVar[tuple[type[Exception], ...]]

    def __init__(self) -> None:
        self.connected = False
        self.error: str | None = "not connected yet"
        self.breaker = CircuitBreaker("messaging", MESSAGING)
        self._lost = asyncio.Event()
        self._steady = False
        self._doubted_until = float("-inf")

    async def run(self) -> None:
        """Keep it until cancelled."""
        wait, longest = RECONNECT_SECONDS
        while True:
            self._steady = False
            try:
                await self._keep_one()
            except self.errors as error:
                self._complain(error)
            except Exception as error:
                log.exception("the connection to %s failed; trying again", self.title)
                self.error = type(error).__name__
            self.breaker.failed()
            if self._steady:
                wait = RECONNECT_SECONDS[0]
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))
            wait = min(wait * 2, longest)

    def drop(self) -> None:
        """Begin anew: what was declared is gone, or nobody answers."""
        self.connected = False
        self._lost.set()

    @abstractmethod
    def _open(self) -> AbstractAsyncContextManager[None]:
        """A connection, set up; closed at the end of the block."""

    def confirmed(self) -> None:
        """The broker has confirmed messages: nothing is better known than that it works."""
        self._doubted_until = float("-inf")
        self.breaker.succeeded()

    def unanswered(self) -> None:
        """It confirmed none, and is dropped: for a while all else that it answers says little."""
        self._doubted_until = time.monotonic() + DOUBT_SECONDS

    def reached(self) -> None:
        """It answered something else, or kept the connection."""
        if time.monotonic() >= self._doubted_until:
            self.breaker.succeeded()

    async def _keep_one(self) -> None:
        """One connection from its beginning to its end."""
        self._lost = asyncio.Event()
        async with self._open():
            if self.error is not None:
                log.info("connected to %s", self.title)
            self.connected, self.error = True, None
            try:
                await self._until_lost()
            finally:
                self.connected = False
            self.error = "the connection was lost"
            log.warning("the connection to %s was lost; opening it again", self.title)

    async def _until_lost(self) -> None:
        while True:
            try:
                async with asyncio.timeout(STEADY_SECONDS):
                    await self._lost.wait()
                return
            except TimeoutError:
                self._steady = True
            self.reached()

    def _complain(self, error: BaseException) -> None:
        words = str(error).partition("\n")[0] or type(error).__name__
        if words != self.error:
            log.warning("%s can't be used (%s); steps are found by polling until it can", self.title, words)
        self.error = words

    def _when_closed(self) -> Callable[..., None]:
        """What to call when the present connection is closed; late, it harms no later one."""
        lost = self._lost
        return lambda *_: lost.set()
