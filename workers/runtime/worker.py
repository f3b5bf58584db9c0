"""The worker itself: puts claim, run, submit, heartbeat and logs together, and takes them apart in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from uuid import UUID

from engine.messaging.channels import READY, RESULTS, TEMPLATES
from engine.messaging.notify import Listener, Notifier
from engine.store.claims import ClaimedStep, FinishedStep, WorkerIdentity, give_back
from engine.store.pool import RECONNECTABLE, Pool
from engine.store.workers import retire_worker
from workers.errors import HandlerNotFound
from workers.registry import HandlerRegistry
from workers.runtime.capacity import EXCHANGES, Capacity
from workers.runtime.definitions import Definitions
from workers.runtime.exchange import Exchange
from workers.runtime.executor import Executor
from workers.runtime.heartbeat import Heartbeat, Load
from workers.runtime.log_writer import LogWriter
from workers.runtime.offer import Offer
from workers.runtime.running import RunningStep

log = logging.getLogger("tasker.worker")


class Worker:
    """Runs steps from `start` to `drain`. `replace_me` is set when half of its slots are stuck."""

    def __init__(self, pool: Pool, dsn: str, registry: HandlerRegistry, offer: Offer, slots: int) -> None:
        self.offer = offer
        self.capacity = Capacity(slots)
        self.running: dict[UUID, RunningStep] = {}
        self.replace_me = asyncio.Event()
        self._pool = pool
        self._notifier = Notifier(pool)
        self._changed = asyncio.Event()
        self._definitions = Definitions(pool, registry)
        self._logs = LogWriter(pool)
        self._executor = Executor(
            pool, self._definitions, slots, self._report, self._ended, self._logs.changed
        )
        self.exchange = Exchange(
            dsn, offer.identity, self.capacity, self._notifier, self._start, self._refused, self._changed.set
        )
        self.heartbeat = Heartbeat(
            dsn, offer.identity, self.load, lambda: list(self.running.values()), self._executor.take_away
        )
        self._listener = Listener(dsn, {READY: self.exchange.wake, TEMPLATES: self._offer_changed})
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def identity(self) -> WorkerIdentity:
        """Who this worker is."""
        return self.offer.identity

    @property
    def stuck(self) -> int:
        """Handlers that go on although their step is over."""
        return sum(step.reported and not step.ended for step in self.running.values())

    def load(self) -> Load:
        """What the heartbeat says of this worker; callable from any thread."""
        steps = list(self.running.values())
        stuck = sum(step.reported and not step.ended for step in steps)
        return Load(len(steps), stuck, "draining" if self.capacity.draining else "running")

    async def start(self) -> None:
        """Make the worker known and have it claim."""
        await self._refresh_offer()
        self.heartbeat.start()
        bodies = [*(self.exchange.run() for _ in range(EXCHANGES)), self._logs.run(), self._listener.run()]
        self._tasks = [asyncio.create_task(body) for body in bodies]

    async def drain(self, timeout: float) -> None:
        """Claim no more, let what runs end, give the rest back after `timeout` seconds, and go."""
        self.capacity.draining = True
        await self._give_back([step for step in self.running.values() if step.begun_at is None])
        try:
            async with asyncio.timeout(timeout):
                while self.running or not self.exchange.settled:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            rest = [step for step in self.running.values() if not step.reported]
            log.warning("%d steps did not end within %.0f s; they are given back", len(rest), timeout)
            await self._give_back(rest)
        await self._take_apart()

    async def _take_apart(self) -> None:
        self.heartbeat.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._logs.flush()
        await self._notifier.close()
        self._executor.shut_down()
        try:
            async with self._pool.acquire() as conn:
                await retire_worker(conn, self.identity.worker_uuid)
        except RECONNECTABLE as error:
            log.warning("the worker's end could not be recorded: %s", error)

    async def _start(self, claimed: list[ClaimedStep], since: float) -> None:
        await self._definitions.load(step.template_step_id for step in claimed)
        lease_until = since + self.identity.lease.total_seconds()
        for one in claimed:
            step = RunningStep(one, self._definitions[one.template_step_id], lease_until)
            self.running[one.step_uuid] = step
            try:
                self._executor.start(step)
            except HandlerNotFound as error:
                await self._decline(step, error)

    async def _decline(self, step: RunningStep, error: HandlerNotFound) -> None:
        """This worker said that it has the handler, and hasn't: another one may."""
        log.warning("step %s is declined: %s", step.claimed.name, error)
        step.ended = True
        self.offer.withdraw(step.definition.namespace, step.definition.handler)
        await self._refresh_offer()
        self.running.pop(step.claimed.step_uuid, None)
        self.capacity.give(1)
        await self._give_back([step])

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
        except RECONNECTABLE as error:
            log.warning("%d steps could not be given back (%s); their leases will run out", len(steps), error)
            return
        self._notifier.wake(READY)

    def _report(self, step: RunningStep, finished: FinishedStep) -> None:
        # A handler that returned passes its slot to the step's successor; one that is stuck keeps it.
        self.exchange.put(finished, with_slot=step.returned)
        if not step.returned and self.stuck * 2 >= self.capacity.slots:
            log.error("half of the slots are stuck in handlers that don't return; the worker drains")
            self.replace_me.set()

    def _ended(self, step: RunningStep) -> None:
        step.ended = True
        if self.running.get(step.claimed.step_uuid) is step:
            del self.running[step.claimed.step_uuid]
        if not step.returned:
            self.capacity.give(1)
            self.exchange.wake()
        self._logs.ended(step)
        self._changed.set()

    def _refused(self, step_uuid: UUID, reason: str) -> None:
        log.info("the result of step %s was refused: %s", step_uuid, reason)

    def _offer_changed(self) -> None:
        task = asyncio.get_running_loop().create_task(self._refresh_offer())
        task.add_done_callback(_log_failure)

    async def _refresh_offer(self) -> None:
        async with self._pool.acquire() as conn:
            changed = await self.offer.refresh(conn, self._definitions)
        if changed:
            self.exchange.wake()
            self._notifier.wake(RESULTS)


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("could not look which handlers the templates need: %s", error)
