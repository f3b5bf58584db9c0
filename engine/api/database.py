"""The API's way to the pool: bounded waiting, and counted for health and metrics."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from engine.api.errors import ApiProblem
from engine.model.breaker import DATABASE, CircuitBreaker
from engine.model.wire.health import PoolDetail
from engine.store.pool import RECONNECTABLE, Connection, Pool

SLOW_SECONDS = 0.1
WAIT_SECONDS = 10.0


class NoConnection(ApiProblem):
    """503: every connection is in use, and none became free in time."""

    def __init__(self) -> None:
        super().__init__(503, "no database connection became free", hint="try again", retry_after_seconds=1)


FAILURES = (*RECONNECTABLE, NoConnection)
"""What the breaker counts."""


class Database:
    """Hands out connections of the pool, and knows how long that takes and how it goes.

    Its breaker refuses nobody here: reads are always tried, and what they find closes it again. New tasks are
    refused while it is open, see `engine.api.pressure`.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.breaker = CircuitBreaker("web", DATABASE)
        self.acquires = 0
        self.slow = 0
        self.errors = 0
        self._total_seconds = 0.0
        self._longest_seconds = 0.0
        self._waiting: dict[object, float] = {}

    @property
    def longest_wait_seconds(self) -> float:
        """How long the first of those who wait for a connection has waited."""
        began = next(iter(self._waiting.values()), None)
        return 0.0 if began is None else time.perf_counter() - began

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """A connection for the length of a `with` block; raises 503 when none is free for 10 s."""
        with self.breaker.watch(FAILURES):
            conn = await self._take()
            try:
                yield conn
            finally:
                await self.pool.release(conn)

    async def _take(self) -> PoolConnectionProxy[asyncpg.Record]:
        began, waiter = time.perf_counter(), object()
        self._waiting[waiter] = began
        try:
            conn = await self.pool.acquire(timeout=WAIT_SECONDS)
        except TimeoutError:
            self.errors += 1
            raise NoConnection from None
        except RECONNECTABLE:
            self.errors += 1
            raise
        finally:
            del self._waiting[waiter]
        self._count(time.perf_counter() - began)
        return conn

    def _count(self, seconds: float) -> None:
        self.acquires += 1
        self.slow += seconds > SLOW_SECONDS
        self._total_seconds += seconds
        self._longest_seconds = max(self._longest_seconds, seconds)

    def detail(self) -> PoolDetail:
        """How the pool does."""
        size, idle, most = self.pool.get_size(), self.pool.get_idle_size(), self.pool.get_max_size()
        return PoolDetail(
            active_connections=size - idle,
            idle_connections=idle,
            max_connections=most,
            utilization_percent=round(100 * (size - idle) / most, 1),
            total_acquires=self.acquires,
            slow_acquires=self.slow,
            acquire_errors=self.errors,
            average_acquire_time_ms=round(1000 * self._total_seconds / max(self.acquires, 1), 3),
            max_acquire_time_ms=round(1000 * self._longest_seconds, 3),
        )
