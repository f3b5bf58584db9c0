"""The API's way to the pool: bounded waiting, and counted for health and metrics."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.api.errors import ApiProblem
from engine.model.wire.health import PoolDetail
from engine.store.pool import RECONNECTABLE, Connection, Pool

SLOW_SECONDS = 0.1
WAIT_SECONDS = 10.0


class Database:
    """Hands out connections of the pool, and knows how long that takes."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.acquires = 0
        self.slow = 0
        self.errors = 0
        self._total_seconds = 0.0
        self._longest_seconds = 0.0

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """A connection for the length of a `with` block; raises 503 when none is free for 10 s."""
        began = time.perf_counter()
        try:
            conn = await self.pool.acquire(timeout=WAIT_SECONDS)
        except TimeoutError:
            self.errors += 1
            raise ApiProblem(
                503, "no database connection became free", hint="try again", retry_after_seconds=1
            ) from None
        except RECONNECTABLE:
            self.errors += 1
            raise
        self._count(time.perf_counter() - began)
        try:
            yield conn
        finally:
            await self.pool.release(conn)

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
