"""Wake-ups through LISTEN and NOTIFY.

A notifying commit takes one lock of the whole server, so none happens inside claims and submits: the
notifier sends at most one a channel every 10 ms, and a lost one costs a poll's interval, never work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from engine.store.pool import connect

log = logging.getLogger("tasker.messaging")

GAP_SECONDS = 0.01
CLOSE_SECONDS = 2.0
RECONNECT_SECONDS = (0.1, 5.0)


class Executor(Protocol):
    """A pool or a connection of the database in which somebody listens."""

    async def execute(self, query: str, /, *arguments: Any) -> str: ...


class Notifier:
    """Sends wake-ups: the first at once, those that follow within 10 ms together.

    `instead`: channels that nobody listens to because a broker does their work, and what to call for them.
    """

    def __init__(self, database: Executor, instead: Mapping[str, Callable[[], None]] | None = None) -> None:
        self._database = database
        self._instead = instead or {}
        self._last: dict[str, float] = {}
        self._due: set[str] = set()
        self._sending: dict[str, asyncio.Task[None]] = {}

    def wake(self, channel: str) -> None:
        """Have everybody who listens to a channel look; returns at once."""
        if channel in self._instead:
            self._instead[channel]()
            return
        self._due.add(channel)
        if channel not in self._sending:
            self._sending[channel] = asyncio.create_task(self._send(channel))

    def claim_turn(self, channel: str) -> bool:
        """Whether a notification may ride on the caller's own transaction now; it counts as sent."""
        now = asyncio.get_running_loop().time()
        if channel in self._instead:
            return False
        if channel in self._due or now - self._last.get(channel, 0.0) < GAP_SECONDS:
            return False
        self._last[channel] = now
        return True

    async def close(self) -> None:
        """Send what is due, unless the database keeps it waiting."""
        if self._sending:
            _, late = await asyncio.wait(self._sending.values(), timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()

    async def _send(self, channel: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            while channel in self._due:
                await asyncio.sleep(max(0.0, self._last.get(channel, 0.0) + GAP_SECONDS - loop.time()))
                # From here on a new wake-up is a new notification: what it tells of may be committed after
                # this one.
                self._due.discard(channel)
                self._last[channel] = loop.time()
                try:
                    await self._database.execute("SELECT pg_notify($1, '')", channel)
                except Exception as error:
                    log.warning("wake-up on %s not sent: %s", channel, _words(error))
        finally:
            del self._sending[channel]


class Listener:
    """Listens on a connection of its own, and opens it again when it breaks.

    After every (re)connection all callbacks are called once: a wake-up may have been missed.
    """

    def __init__(self, dsn: str, callbacks: Mapping[str, Callable[[], None]]) -> None:
        self._dsn = dsn
        self._callbacks = callbacks
        self.connected = False
        """Whether wake-ups arrive at the moment."""

    async def run(self) -> None:
        """Listen until cancelled."""
        first, longest = RECONNECT_SECONDS
        wait = first
        while True:
            try:
                await self._listen()
                wait = first
                problem = "the connection was lost"
            except Exception as error:  # also what a standby, or a server with another password, says
                problem = _words(error)
            log.warning("can't listen: %s; trying again in %.1f s", problem, wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, longest)

    async def _listen(self) -> None:
        """Until the connection is lost."""
        conn = await connect(self._dsn)
        lost = asyncio.Event()
        conn.add_termination_listener(lambda _: lost.set())
        try:
            for channel, callback in self._callbacks.items():
                await conn.add_listener(channel, _ignoring_payload(callback))
                callback()
            self.connected = True
            await lost.wait()
        finally:
            self.connected = False
            conn.terminate()


def _ignoring_payload(callback: Callable[[], None]) -> Callable[..., None]:
    return lambda *_: callback()


def _words(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
