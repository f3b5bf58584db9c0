"""Connections to PostgreSQL.

JSON passes as text in both directions: what users wrote is read by `engine.model.payload`, exact for big
integers, and never by the driver.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from engine.store.keepalive import KeptConnection, keep_server

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

T = TypeVar("T")

RECONNECTABLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that was cut between two messages (MagicStack/asyncpg#1069)
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
"""What a lost or refused connection raises: the call may be made again on a new one."""

DATABASE_ERRORS = (*RECONNECTABLE, asyncpg.PostgresError)
"""All that a database raises: it is away, or says no."""

PASSING = (
    *RECONNECTABLE,
    asyncpg.InsufficientResourcesError,  # SQLSTATE class 53: no disk, memory or connection left
    asyncpg.OperatorInterventionError,  # class 57: cancelled, shut down, not yet up
    asyncpg.ReadOnlySQLTransactionError,  # a primary that became a standby
    asyncpg.ObjectNotInPrerequisiteStateError,  # class 55: a lock, or a database that takes no connections
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
"""What passes by itself: the same call may go through a little later, on a new connection."""

APPLICATION = "tasker"
DEADLOCK_TRIES = 5
LONGEST_WAIT = 2.0

log = logging.getLogger("tasker.store")


async def open_pool(dsn: str, *, min_size: int = 1, max_size: int = 10) -> Pool:
    """Open a pool; raises what asyncpg raises when the server can't be reached."""
    pool = await asyncpg.create_pool(
        dsn, min_size=min_size, max_size=max_size, server_settings={"application_name": APPLICATION},
        connection_class=KeptConnection, init=keep_server,
    )  # fmt: skip
    assert pool is not None
    return pool


async def connect(dsn: str) -> Connection:
    """Open one connection, for a loop that keeps it."""
    conn = await asyncpg.connect(
        dsn, server_settings={"application_name": APPLICATION}, connection_class=KeptConnection
    )
    await keep_server(conn)
    return conn


async def until_reachable(call: Callable[[], Awaitable[T]]) -> T:
    """Make a call until the database answers it, waiting a little longer each time.

    For calls without which the caller can't go on, and which may be made twice.
    """
    wait = 0.05
    while True:
        try:
            return await call()
        except PASSING as error:
            log.warning("the database can't answer (%s); trying again in %.1f s", error, wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)


@asynccontextmanager
async def transaction(conn: Connection, *, undo: bool) -> AsyncIterator[None]:
    """One transaction; with `undo` a trial: all is done to see what it does, and nothing of it stays."""
    running = conn.transaction()
    await running.start()
    try:
        yield
    except BaseException:
        await running.rollback()
        raise
    if undo:
        await running.rollback()
    else:
        await running.commit()


async def retry_deadlock(call: Callable[[], Awaitable[T]]) -> T:
    """Make a call again when PostgreSQL ended it to break a deadlock, up to five times in all.

    Every function takes its locks in one order, so this is a belt beside the braces; the call must be one
    transaction.
    """
    for attempt in range(1, DEADLOCK_TRIES):
        try:
            return await call()
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
            await asyncio.sleep(random.uniform(0.001, 0.01) * attempt)
    return await call()
