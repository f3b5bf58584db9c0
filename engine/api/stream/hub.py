"""One reader of the transition log for all who watch through this engine.

It runs only while somebody watches: every 50 ms it reads what became visible and hands it to each client
that wants it. New clients are taken in between two readings, so that each gets everything exactly once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable

from engine.api.stream.line_feed import LineFeed
from engine.api.stream.subscription import Subscription
from engine.api.stream.summary import SummaryFeed
from engine.model.wire.events import TransitionsEvent
from engine.store.pool import RECONNECTABLE, Connection, Pool
from engine.store.tail import BadCursor, Cursor, Tail
from engine.store.transitions import LoggedChange, open_tail, read_between, read_new

log = logging.getLogger("tasker.api")

POLL_SECONDS = 0.05
RETRY_SECONDS = 0.5
MOST_CHANGES = 10_000
"""At once; a client that lacks more loads again."""

MOST_SUBSCRIBERS = 1_000
"""Of one engine: each may hold a queue of a few MiB while it does not read."""

TOO_MUCH = "more happened than can be told one by one"
GONE = "what happened since is not all known any more"


class Hub:
    """Subscribe and unsubscribe; the reader comes and goes by itself."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._joining: list[Subscription] = []
        self._watching: list[Subscription] = []
        self._tail: Tail | None = None
        self._lines = LineFeed()
        self._summary = SummaryFeed()
        self._reader: asyncio.Task[None] | None = None
        self._joined = asyncio.Event()
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether no more clients are taken in."""
        return self.subscribers >= MOST_SUBSCRIBERS

    @property
    def subscribers(self) -> int:
        """How many clients watch."""
        return len(self._watching) + len(self._joining)

    def subscribe(self, subscription: Subscription) -> None:
        """Send a client what it wants from now on, or from where it stood."""
        if self._closed:
            subscription.close()
            return
        self._joining.append(subscription)
        self._joined.set()
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._run())

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a client."""
        for clients in (self._joining, self._watching):
            if subscription in clients:
                clients.remove(subscription)

    async def close(self) -> None:
        """End all streams, and the reader."""
        self._closed = True
        for subscription in [*self._joining, *self._watching]:
            subscription.close()
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader

    async def _run(self) -> None:
        self._tail = None
        while self.subscribers:
            try:
                async with self._pool.acquire() as conn:
                    await self._read(conn)
            except RECONNECTABLE as error:
                log.warning("the event stream pauses, the database can't be reached: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                log.exception("reading the transition log failed; the event stream goes on after a reset")
                self._tail = None
                self._reset(self._watching, GONE)
                await asyncio.sleep(RETRY_SECONDS)

    async def _read(self, conn: Connection) -> None:
        loop = asyncio.get_running_loop()
        while self.subscribers:
            began = loop.time()
            self._joined.clear()
            if self._tail is None:
                self._tail = await open_tail(conn, "transitions")
            await self._poll(conn, self._tail)
            await self._take_in(conn, self._tail)
            await self._lines.poll(conn, self._watching)
            await self._summary.flush(conn, self._of_scope("summary"), self._tail.cursor)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(began + POLL_SECONDS):
                    await self._joined.wait()

    def _of_scope(self, *scopes: str) -> list[Subscription]:
        return [one for one in self._watching if one.wanted.scope in scopes]

    async def _poll(self, conn: Connection, tail: Tail) -> None:
        changes = await read_new(conn, tail, MOST_CHANGES)
        if changes is None:
            self._summary.forget()
            self._reset(self._of_scope("transitions", "task", "summary"), TOO_MUCH)
            return
        cursor = str(tail.cursor)
        for subscription in self._of_scope("transitions", "task"):
            subscription.cursor = cursor
            _send(subscription, changes)
        if self._of_scope("summary"):
            self._summary.add(changes)

    def _reset(self, subscriptions: Iterable[Subscription], reason: str) -> None:
        for subscription in subscriptions:
            if self._tail is not None:
                subscription.cursor = str(self._tail.cursor)
            subscription.reset(reason)

    async def _take_in(self, conn: Connection, tail: Tail) -> None:
        while self._joining:
            subscription = self._joining[0]
            if subscription.wanted.scope == "logs":
                await self._lines.join(conn, subscription)
            else:
                await self._join(conn, subscription, tail)
            if subscription in self._joining:  # it may have gone in the meantime
                self._joining.remove(subscription)
                self._watching.append(subscription)

    async def _join(self, conn: Connection, subscription: Subscription, tail: Tail) -> None:
        """Bring a client to where the tail is."""
        missed: list[LoggedChange] | None = []
        if subscription.last_event_id is not None:
            missed = await _missed(conn, subscription, tail)
        subscription.cursor = str(tail.cursor)
        if missed is None:
            subscription.reset(GONE)
        elif subscription.wanted.scope == "summary":
            await self._summary.bring_up(conn, subscription, missed)
        else:
            wanted = [one.change for one in missed if subscription.wanted.selects(one)]
            subscription.put(TransitionsEvent(cursor=subscription.cursor, changes=wanted))


async def _missed(conn: Connection, subscription: Subscription, tail: Tail) -> list[LoggedChange] | None:
    try:
        cursor = Cursor.parse(subscription.last_event_id or "")
    except BadCursor:
        return None
    return await read_between(conn, cursor, tail, MOST_CHANGES, subscription.wanted.task_uuid)


def _send(subscription: Subscription, changes: Iterable[LoggedChange]) -> None:
    wanted = [one.change for one in changes if subscription.wanted.selects(one)]
    if wanted:
        subscription.put(TransitionsEvent(cursor=subscription.cursor, changes=wanted))
