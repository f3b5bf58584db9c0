"""The engine's loops and their supervision. Engines are equal: any number run against one database."""

from __future__ import annotations

import logging
import os
import socket
from datetime import timedelta

from engine.background import Background
from engine.messaging.channels import BULK, DOMAIN_EVENTS, PUBLISH, READY, RESULTS
from engine.messaging.notify import Listener, Notifier
from engine.model.breaker import Reading
from engine.orchestration.loops import Loop
from engine.orchestration.publishing import StepPublisher
from engine.orchestration.retention import Retention
from engine.orchestration.staleness import StalenessDetector
from engine.orchestration.webhooks import WebhookSender
from engine.settings import Settings
from engine.store import bulk, engine_calls, messages
from engine.store.pool import Pool

log = logging.getLogger("tasker.orchestration")

FALLBACK_SECONDS = 1.0
"""How long a lost wake-up can delay a result or a retry."""

LEASES_SECONDS = 1.0
HANDLERS_SECONDS = 1.0
SWEEP_SECONDS = 2.0
UPKEEP_SECONDS = 3600.0

BULK_SECONDS = 0.05
"""Between two batches of a bulk operation that keeps to a rate; what came due in between is one batch."""


class Orchestrator:
    """Runs the loops from `start` to `stop`: results, retries, domain events, leases, missing handlers,
    bulk operations, stale tasks, webhooks, sweeping, retention, upkeep."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        broker = settings.broker
        self.publisher = StepPublisher(pool, broker) if broker else None
        """Sends steps to a broker outside; None where the database does so by itself."""
        self.notifier = Notifier(pool, {READY: self.publisher.wake} if self.publisher else None)
        self._actor = f"engine:{socket.gethostname()}:{os.getpid()}"
        self._grace = timedelta(seconds=settings.missing_handler_grace_seconds)
        self._results = Loop("results", self._process_results)
        self._retries = Loop("retries", self._fire_retries)
        self._bulk = Loop("bulk", self._work_bulk)
        self._events = Loop("domain events", self._publish_domain_events)
        # Below it are dead rows, and what a transaction still in flight has yet to show.
        self._events_after = 0
        detector = StalenessDetector(pool, settings.staleness, self._actor)
        self._sender = WebhookSender(pool, settings.webhooks)
        calls = Loop("webhooks", self._sender.look)
        self._sender.on_free = calls.wake
        self.loops = [
            self._results,
            self._retries,
            self._events,
            Loop("leases", self._expire_leases),
            Loop("missing handlers", self._fail_missing_handlers),
            self._bulk,
            Loop("stale tasks", detector.look),
            calls,
            Loop("sweep", self._sweep),
            Loop("retention", Retention(pool, settings.retention).look),
            Loop("upkeep", self._keep_up),
            *(self.publisher.loops if self.publisher else ()),
        ]
        wakes = {
            RESULTS: self._results.wake,
            DOMAIN_EVENTS: self._events.wake,
            BULK: self._bulk.wake,
            **({PUBLISH: self.publisher.wake} if self.publisher else {}),
        }
        self.breakers: list[Reading] = [self._sender.breakers]
        if self.publisher:
            self.breakers.append(self.publisher.link.breaker)
        self._listener = Listener(settings.database.dsn, wakes)
        self.background = Background()
        """Where the loops run, and what else is to end with them."""

    async def start(self) -> None:
        """Start all loops."""
        for loop in self.loops:
            self.background.start(loop.name, loop.run)
        self.background.start("listening", self._listener.run)
        if self.publisher:
            self.background.start("connection to the broker", self.publisher.link.run)

    async def stop(self) -> None:
        """End all loops. What they did not get to is in the database, for this engine or another."""
        await self.background.stop()
        await self._sender.close()
        await self.notifier.close()

    async def _process_results(self) -> float:
        processed = await engine_calls.process_results(self._pool, self._actor)
        if processed.enqueued:
            self.notifier.wake(READY)
            # A decision that was carried out lets its events go, which are older than others.
            self._events_after = 0
            self._events.wake()
        if processed.next_in is not None:
            self._retries.wake()
        # What was taken may have asked for another look at its tasks.
        return 0.0 if processed.taken else FALLBACK_SECONDS

    async def _fire_retries(self) -> float:
        retries = await engine_calls.fire_retries(self._pool, self._actor)
        if retries.fired:
            self.notifier.wake(READY)
        if retries.next_in is None:
            return FALLBACK_SECONDS
        return min(max(retries.next_in.total_seconds(), 0.0), FALLBACK_SECONDS)

    async def _publish_domain_events(self) -> float:
        moved = await engine_calls.publish_domain_events(self._pool, self._events_after)
        self._events_after = moved.last_id
        return 0.0 if moved.published == engine_calls.EVENTS_AT_ONCE else FALLBACK_SECONDS

    async def _expire_leases(self) -> float:
        taken = await engine_calls.expire_leases(self._pool, self._actor)
        if taken:
            self.notifier.wake(READY)
            self._results.wake()
        return 0.0 if taken == engine_calls.LEASES_AT_ONCE else LEASES_SECONDS

    async def _fail_missing_handlers(self) -> float:
        if await engine_calls.fail_missing_handlers(self._pool, self._actor, self._grace):
            self._results.wake()
        return HANDLERS_SECONDS

    async def _work_bulk(self) -> float:
        batch = await bulk.work_bulk(self._pool)
        if batch.worked:
            self.notifier.wake(READY)
        if batch.next_in is None:
            return FALLBACK_SECONDS
        wait = batch.next_in.total_seconds()
        # Nothing was done although something is due: another engine is at it.
        if wait <= 0 and batch.worked:
            return 0.0
        return min(max(wait, BULK_SECONDS), FALLBACK_SECONDS)

    async def _sweep(self) -> float:
        await engine_calls.sweep_lanes(self._pool)
        self._events_after = 0
        async with self._pool.acquire() as conn:
            if moved := await messages.move_queues(conn, here=self.publisher is None):
                log.info("the messages of %s go another way from now on", ", ".join(moved))
        if await engine_calls.hold_steps(self._pool):
            self.notifier.wake(READY)
        return SWEEP_SECONDS

    async def _keep_up(self) -> float:
        await engine_calls.forget_workers(self._pool)
        await engine_calls.forget_undecided_events(self._pool)
        await engine_calls.ensure_partitions(self._pool)
        await self._sender.forget()
        await engine_calls.compact_rollups(self._pool)
        await bulk.forget_bulk(self._pool)
        return UPKEEP_SECONDS
