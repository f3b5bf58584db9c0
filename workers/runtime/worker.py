"""The worker itself: puts claim, run, submit, heartbeat and logs together, and takes them apart in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from engine.background import Background
from engine.messaging.channels import LOOK, PUBLISH, READY, RESULTS, TEMPLATES
from engine.messaging.inbox import Inbox, make_inbox
from engine.messaging.notify import Listener, Notifier
from engine.messaging.taker import Taker
from engine.model.wire.worker import CacheStats
from engine.settings import PgmqSettings, RabbitSettings
from engine.store.claims import ClaimedStep, FinishedStep, WorkerIdentity, give_back
from engine.store.pool import DATABASE_ERRORS, Pool
from engine.store.workers import have_offers_renewed, retire_worker
from workers.errors import HandlerNotFound
from workers.registry import HandlerRegistry
from workers.runtime import debugging
from workers.runtime.capacity import EXCHANGES, Capacity
from workers.runtime.definitions import Definitions
from workers.runtime.domain_events import DomainEvents, StepEvents
from workers.runtime.exchange import Exchange
from workers.runtime.executor import GRACE_SECONDS, Executor
from workers.runtime.heartbeat import Heartbeat, Load
from workers.runtime.log_writer import LogWriter
from workers.runtime.metrics import WorkerMetrics
from workers.runtime.offer import Offer
from workers.runtime.running import STUCK_SECONDS, RunningStep
from workers.subscribers import SubscriberRegistry

log = logging.getLogger("tasker.worker")

LAST_EVENTS_SECONDS = 2.0
"""How long subscribers may handle what waits when the worker ends."""

LEFT_SECONDS = 5.0
"""How often a worker looks whether a handler is still debugged that it leaves to somebody, or tries to."""

TIMER_SLACK = 0.1
"""Timers may come a little early, and a step is over a little after its result is reported."""


class Worker:
    """Runs steps from `start` to `drain`. `replace_me` is set when half of its slots are stuck.

    `broker` is where messages come from; None where the database says what is ready.
    """

    def __init__(
        self,
        pool: Pool,
        dsn: str,
        registry: HandlerRegistry,
        offer: Offer,
        slots: int,
        broker: RabbitSettings | PgmqSettings | None = None,
    ) -> None:
        self.offer = offer
        self.capacity = Capacity(slots)
        self.metrics = WorkerMetrics()
        self.running: dict[tuple[UUID, int], RunningStep] = {}
        """By step and claim: a step may be claimed again while a handler that lost it goes on."""
        self.replace_me = asyncio.Event()
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._notifier = Notifier(pool, {READY: self._have_published} if broker else None)
        self._changed = asyncio.Event()
        self._debugs = offer.debugged is not None
        self._look_again: asyncio.TimerHandle | None = None
        self._refreshing = asyncio.Lock()
        self._definitions = Definitions(pool, registry, time_outs=not self._debugs)
        self._logs = LogWriter(pool)
        self.events = DomainEvents()
        self._executor = Executor(
            pool, offer.identity, self._definitions, slots, self._report, self._ended, self._logs.changed,
            self.events,
        )  # fmt: skip
        self.exchange = Exchange(
            dsn, offer.identity, self.capacity, self._notifier, self._start, self._refused, self._changed.set,
            self.metrics,
        )  # fmt: skip
        self.heartbeat = Heartbeat(
            dsn, offer.identity, self.load, lambda: list(self.running.values()), self._take_away,
            endless=self._debugs,
        )  # fmt: skip
        self.inbox = self._make_inbox(broker) if broker else None
        wakes = {LOOK if broker else READY: self.exchange.wake, TEMPLATES: self._offer_changed}
        self.listener = Listener(dsn, wakes)
        self.background = Background()

    @property
    def identity(self) -> WorkerIdentity:
        """Who this worker is."""
        return self.offer.identity

    @property
    def stuck_steps(self) -> list[RunningStep]:
        """Handlers that go on although their step is over; callable from any thread."""
        return [step for step in list(self.running.values()) if step.is_stuck]

    @property
    def stuck(self) -> int:
        """How many those are."""
        return len(self.stuck_steps)

    @property
    def registered(self) -> list[str]:
        """The names of all handlers that it has."""
        return self._definitions.registered

    @property
    def cache_stats(self) -> CacheStats:
        """How often a step's definition was at hand."""
        known = self._definitions
        return CacheStats(total_cached=len(known), cache_hits=known.hits, cache_misses=known.misses)

    def load(self) -> Load:
        """What the heartbeat says of this worker; callable from any thread."""
        return Load(len(self.running), self.stuck, "draining" if self.capacity.draining else "running")

    async def start(self) -> None:
        """Make the worker known and have it claim."""
        SubscriberRegistry.instance().start_all(self.events.bus)
        await self._refresh_offer()
        await self._tell_of_debugging()
        self.heartbeat.start()
        for number in range(EXCHANGES):
            self.background.start(f"exchange {number + 1}", self.exchange.run)
        bodies = {"logs of steps": self._logs.run, "listening": self.listener.run}
        for name, body in (bodies | (self.inbox.bodies() if self.inbox else {})).items():
            self.background.start(name, body)

    async def drain(self, timeout: float) -> None:
        """Claim no more, let what runs end, give the rest back after `timeout` seconds, and go."""
        self.capacity.draining = True
        if self.inbox:
            await self.inbox.close()
        await self._give_back([step for step in self.running.values() if step.begun_at is None])
        try:
            async with asyncio.timeout(timeout):
                while self._unfinished() or not self.exchange.settled:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            rest = self._unfinished()
            log.warning("%d steps did not end within %.0f s; they are given back", len(rest), timeout)
            await self._give_back(rest)
        await self._take_apart()

    def _make_inbox(self, broker: RabbitSettings | PgmqSettings) -> Inbox[Any]:
        taker = Taker(
            namespaces=self.identity.namespaces,
            handlers=self.identity.handlers,
            is_full=lambda: len(self.running) >= self.capacity.slots,
            look=self.exchange.wake,
            pass_on=lambda: self._notifier.wake(LOOK),
            unpublished=self._have_published,
        )
        return make_inbox(broker, self._pool, taker, self.metrics.messages)

    def _have_published(self) -> None:
        self._notifier.wake(PUBLISH)

    def _unfinished(self) -> list[RunningStep]:
        return [step for step in self.running.values() if not step.reported]

    async def _take_apart(self) -> None:
        self.heartbeat.stop()
        self._refresh_later(False)
        await self.background.stop()
        await self.events.drain(LAST_EVENTS_SECONDS)
        SubscriberRegistry.instance().stop_all()
        await self._logs.flush()
        await self._notifier.close()
        self._executor.shut_down()
        try:
            async with self._pool.acquire() as conn:
                await retire_worker(conn, self.identity.worker_uuid)
            await self._tell_of_debugging()
        except DATABASE_ERRORS as error:
            log.warning("the worker's end could not be recorded: %s", error)

    async def _start(self, claimed: list[ClaimedStep], since: float) -> None:
        if self.inbox:
            self.inbox.claimed(step.step_uuid for step in claimed if not step.chain)
        await self._definitions.load(step.template_step_id for step in claimed)
        lease_until = since + self.identity.lease.total_seconds()
        steps = [RunningStep(one, self._definitions[one.template_step_id], lease_until) for one in claimed]
        if self.capacity.draining:  # they were on their way when it began
            self.capacity.give(len(steps))
            await self._give_back(steps)
            return
        declined = [step for step in steps if not self._begin(step)]
        if declined:
            await self._give_back(declined)
            self._offer_changed()

    def _begin(self, step: RunningStep) -> bool:
        """Run a step, or decline it: this worker offers its handler and hasn't got it; another one may."""
        self.metrics.claimed(step.definition.namespace)
        if self._debugs:
            debugging.tell_begin(step)
        self.running[step.claimed.step_uuid, step.claimed.claim_no] = step
        try:
            self._executor.start(step)
        except HandlerNotFound as error:
            log.warning("step %s is declined: %s", step.claimed.name, error)
            step.ended = True
            self.offer.withdraw(step.definition.namespace, step.definition.handler)
            self._forget(step)
            self.capacity.give(1)
            return False
        return True

    async def _give_back(self, steps: Iterable[RunningStep]) -> None:
        steps = list(steps)
        if not steps:
            return
        for step in steps:
            step.reported = True
            step.tell("given back")
            if step.task is not None and step.begun_at is None:
                step.task.cancel()
        try:
            async with self._pool.acquire() as conn:
                await give_back(
                    conn,
                    self.identity,
                    [step.claimed.step_uuid for step in steps],
                    [step.claimed.claim_no for step in steps],
                    [step.begun_at is not None for step in steps],
                )
        except DATABASE_ERRORS as error:
            log.warning("%d steps could not be given back (%s); their leases will run out", len(steps), error)
            return
        self._notifier.wake(READY)

    def _report(self, step: RunningStep, finished: FinishedStep, events: StepEvents | None) -> None:
        if self._debugs:
            debugging.tell_end(step, finished)
        # A handler that returned passes its slot to the step's successor; one that is stuck keeps it.
        self.exchange.put(finished, step.returned, None if events is None else events.settle)
        self.metrics.executed(
            step.definition.namespace, finished.success, step.execution_ms / 1000, step.claimed.attempt
        )
        if not step.returned:
            self._loop.call_later(STUCK_SECONDS + TIMER_SLACK, self._count_stuck)

    def _take_away(self, step: RunningStep, reason: str) -> None:
        # In the heartbeat's thread.
        if step.over_at is None:
            self._executor.take_away(step, reason)
            patience = GRACE_SECONDS + STUCK_SECONDS + TIMER_SLACK
            self._loop.call_soon_threadsafe(self._loop.call_later, patience, self._count_stuck)

    def _count_stuck(self) -> None:
        if self._debugs:  # the handler stands at a breakpoint, and somebody looks at it
            return
        if self.stuck * 2 >= self.capacity.slots and not self.replace_me.is_set():
            log.error("half of the slots are stuck in handlers that don't return; the worker drains")
            self.replace_me.set()

    def _ended(self, step: RunningStep) -> None:
        step.ended = True
        self._forget(step)
        if not step.returned:
            self.capacity.give(1)
            self.exchange.wake()
        if step.log is not None:
            self._logs.ended(step.log)
        self._changed.set()

    def _forget(self, step: RunningStep) -> None:
        self.running.pop((step.claimed.step_uuid, step.claimed.claim_no), None)

    def _refused(self, step_uuid: UUID, reason: str) -> None:
        log.info("the result of step %s was refused: %s", step_uuid, reason)

    async def _tell_of_debugging(self) -> None:
        """Have the other workers leave the handler that is debugged here, or take it again."""
        if self._debugs:
            async with self._pool.acquire() as conn:
                await have_offers_renewed(conn)

    def _offer_changed(self) -> None:
        task = asyncio.get_running_loop().create_task(self._refresh_offer())
        task.add_done_callback(_log_failure)

    async def _refresh_offer(self) -> None:
        async with self._refreshing:  # an answer that is older never comes last
            due = True
            try:
                async with self._pool.acquire() as conn:
                    changed = await self.offer.refresh(conn, self._definitions)
                due = bool(self.offer.left)  # whoever debugs may end without a word
            finally:
                self._refresh_later(due)
        if changed:
            self.exchange.wake()
            self._notifier.wake(RESULTS)

    def _refresh_later(self, due: bool) -> None:
        if self._look_again is not None:
            self._look_again.cancel()
        self._look_again = self._loop.call_later(LEFT_SECONDS, self._offer_changed) if due else None


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("could not look which handlers the templates need: %s", error)
