"""The connection to the database that holds the queues, where that is not the tasks' own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg

from engine.messaging.link import CONNECT_SECONDS, Link
from engine.store import message_queues
from engine.store.pool import DATABASE_ERRORS, Connection, connect
from engine.store.schema_errors import MigrationError

ANSWER_SECONDS = 5.0

QUEUE_ERRORS = (*DATABASE_ERRORS, TimeoutError, MigrationError)
"""What a queue database raises that is away, was wiped, refuses or does not answer."""

REFUSALS = (asyncpg.InsufficientPrivilegeError, asyncpg.RaiseError)
"""What it raises that does not let us have one queue."""


class PgmqLink(Link):
    """Keeps one connection; PGMQ is installed where it is missing, so that a wiped database heals.

    `set_up` is called with each new connection.
    """

    title = "the queue database"
    errors = QUEUE_ERRORS

    def __init__(self, dsn: str, set_up: Callable[[Connection], Awaitable[None]]) -> None:
        super().__init__()
        self._dsn = dsn
        self._set_up = set_up
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """The connection, for one caller at a time; what goes wrong with it ends it."""
        async with self._turn:
            if self._connection is None:
                raise ConnectionError("not connected")
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    yield self._connection
            except QUEUE_ERRORS as error:
                self._complain(error)
                self.drop()
                raise

    @contextlib.asynccontextmanager
    async def another(self) -> AsyncIterator[Connection]:
        """A connection for what may be slow: nobody waits for it, and its errors end no other."""
        async with asyncio.timeout(ANSWER_SECONDS):
            conn = await connect(self._dsn)
            try:
                yield conn
                await conn.close()
            finally:
                conn.terminate()

    async def turn(self) -> None:
        """Wait until nobody uses the connection; no longer than an answer may take."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS), self._turn:
                pass

    async def execute(self, query: str, *arguments: Any) -> str:
        """Execute one statement."""
        async with self.connection() as conn:
            return await conn.execute(query, *arguments)

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        async with asyncio.timeout(CONNECT_SECONDS):
            connection = await connect(self._dsn)
        try:
            connection.add_termination_listener(self._when_closed())
            async with asyncio.timeout(CONNECT_SECONDS):
                await message_queues.prepare(connection)
                await self._set_up(connection)
            self._connection = connection
            yield
        finally:
            self._connection = None
            connection.terminate()
