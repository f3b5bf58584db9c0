"""Back pressure: while too much waits, or the database fails, new tasks are refused and all else goes on.

Who creates is told 503 and when to try again (reference, sections 4 and 5.1). What has to be read for it is
read once a second beside the requests; a request only compares numbers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter

from engine.api.batcher import CreateBatcher
from engine.api.database import Database
from engine.api.errors import ApiProblem
from engine.model.breaker import BreakerState
from engine.model.pressure import Tier, Tiers
from engine.settings import BackpressureSettings
from engine.store.backlog import Depth, Kind, backlog
from engine.store.pool import RECONNECTABLE

log = logging.getLogger("tasker.api")

LOOK_SECONDS = 1.0
SWEEP_SECONDS = 30.0
"""How often all that waits is counted, from the beginning and not from the marks of the last time."""

SHARE = 0.05
"""Of a connection's time that looking may take: where counting is slow it is done less often."""

PROBE_SECONDS = 2.0
CHANNEL_SHARE = 0.95
CHANNEL_RETRY_SECONDS = 15
POOL_WAIT_SECONDS = 2.0

_NAMES = {"results": "results that an engine has yet to take", "events": "events that are not in their queue"}


class Pressure:
    """Decides whether new tasks are taken in; `look` is called again and again by a loop."""

    def __init__(self, database: Database, batcher: CreateBatcher, settings: BackpressureSettings) -> None:
        self.rejected: Counter[str] = Counter()
        """Requests refused, by reason."""
        self.depths: list[Depth] = []
        """What waited when it was last looked at."""
        self._database = database
        self._batcher = batcher
        self._tiers = Tiers(settings.queue_warning, settings.queue_critical, settings.queue_overflow)
        self._most_waiting = settings.waiting_creations
        self._swept_at = float("-inf")

    async def look(self) -> float:
        """Count what waits, and tell the database's breaker how that went; the seconds to the next look.

        A look that took too long is broken off and tells the breaker nothing: all connections may be in use.
        What waits is unknown after one that failed, and refuses nobody.
        """
        try:
            # The limit is around the breaker: what it breaks off is cancelled in there, and no failure.
            async with asyncio.timeout(PROBE_SECONDS):
                with self._database.breaker.watch(RECONNECTABLE):
                    async with self._database.pool.acquire() as conn:
                        began = time.perf_counter()
                        self.depths = await backlog(conn, self._tiers.overflow, self._marks(began))
        except RECONNECTABLE as error:
            late = isinstance(error, TimeoutError)
            why = f"no answer within {PROBE_SECONDS:g} s" if late else str(error) or type(error).__name__
            log.warning("what waits cannot be counted: %s", why)
            self.depths = []
            return LOOK_SECONDS
        return max(LOOK_SECONDS, (time.perf_counter() - began) / SHARE)

    def _marks(self, now: float) -> dict[Kind, int]:
        if now - self._swept_at >= SWEEP_SECONDS:
            self._swept_at = now
            return {}
        return {one.kind: one.low_mark for one in self.depths if one.low_mark is not None}

    def admit(self, namespace: str | None = None) -> None:
        """Let a creation through, or raise ApiProblem (503); of the namespaces only this one is looked at."""
        breaker = self._database.breaker
        if breaker.state is BreakerState.OPEN:
            breaker.reject()
            raise self._refusal(
                "circuit_breaker",
                "the database fails again and again; no new tasks are taken in until it answers",
                breaker.retry_after_seconds,
                code="CIRCUIT_BREAKER_OPEN",
            )
        if self._batcher.waiting >= CHANNEL_SHARE * self._most_waiting:
            waiting = f"{self._batcher.waiting} new tasks wait to be written"
            raise self._refusal("channel", f"{waiting}; more are not taken in", CHANNEL_RETRY_SECONDS)
        if self._database.longest_wait_seconds >= POOL_WAIT_SECONDS:
            message = "all database connections are in use, and requests wait for one"
            raise self._refusal("pool", message, CHANNEL_RETRY_SECONDS)
        for one in self.depths:
            if one.kind != "ready" or one.namespace == namespace:
                self._admit_to(one)

    def tier(self, depth: Depth) -> Tier:
        """How full a queue is."""
        return self._tiers.of(depth.depth)

    @property
    def worst(self) -> Tier:
        """The tier of the fullest queue."""
        return max((self.tier(one) for one in self.depths), key=lambda one: one.level, default=Tier.NORMAL)

    @property
    def channel_percent(self) -> float:
        """How full the queue of creations is, from 0 to 100."""
        return min(100.0, 100 * self._batcher.waiting / self._most_waiting)

    def _admit_to(self, one: Depth) -> None:
        after = self.tier(one).retry_after_seconds
        if after is None:
            return
        many = f"{one.depth:,}" + (" or more" if one.depth >= self._tiers.overflow else "")
        what = _NAMES.get(one.kind, f"steps of namespace '{one.namespace}' that no worker has taken")
        raise self._refusal("queue", f"there are {many} {what}; new tasks are not taken in", after)

    def _refusal(self, reason: str, message: str, after: int, code: str = "BACKPRESSURE") -> ApiProblem:
        self.rejected[reason] += 1
        return ApiProblem(
            503, message, code=code, hint=f"nothing was created; try again in {after} s",
            retry_after_seconds=after,
        )  # fmt: skip
