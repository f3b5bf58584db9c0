"""The worker's trade with the database: results in, steps out, in batches that form by themselves.

Each of a few loops keeps a connection. A loop takes whatever results are there, submits them and starts what
comes back; while it waits for the answer, results pile up for the next one. With nothing to submit it claims.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple, TypeVar
from uuid import UUID, uuid4

import asyncpg

from engine.messaging.channels import DOMAIN_EVENTS, READY, RESULTS
from engine.messaging.notify import Notifier
from engine.model.payload import dump_json
from engine.store import claims
from engine.store.claims import ClaimedStep, FinishedStep, SubmitAnswer, WorkerIdentity
from engine.store.pool import DATABASE_ERRORS, PASSING, RECONNECTABLE, Connection, connect, retry_deadlock
from workers.runtime.capacity import Capacity
from workers.runtime.metrics import WorkerMetrics

log = logging.getLogger("tasker.worker")

T = TypeVar("T")

FALLBACK_SECONDS = 1.0
"""How long a lost wake-up can delay a claim."""
RECONNECT_SECONDS = (0.05, 2.0)

NOT_STORABLE = (asyncpg.DataError, asyncpg.ProgramLimitExceededError, asyncpg.UntranslatableCharacterError)
_REFUSED_DETAILS = dump_json(
    {
        "error_type": "result_not_storable",
        "retryable": False,
        "message": "PostgreSQL refused the result: it can't be kept as jsonb",
    }
)


class Outgoing(NamedTuple):
    """A result on its way. `with_slot`: it still holds the slot that its handler ran in. `settled` is told
    what was stored in the end, and whether it was accepted."""

    finished: FinishedStep
    with_slot: bool
    settled: Callable[[FinishedStep, bool], None] | None


class Exchange:
    """Submits what is put into `outbox` and hands claimed steps to `start`, which begins all or raises."""

    def __init__(
        self,
        dsn: str,
        worker: WorkerIdentity,
        capacity: Capacity,
        notifier: Notifier,
        start: Callable[[list[ClaimedStep], float], Awaitable[None]],
        refused: Callable[[UUID, str], None],
        answered: Callable[[], None],
        metrics: WorkerMetrics,
    ) -> None:
        self.worker = worker
        self.capacity = capacity
        self.outbox: list[Outgoing] = []
        self._dsn = dsn
        self._notifier = notifier
        self._start = start
        self._refused = refused
        self._answered = answered
        self._metrics = metrics
        self._signal = asyncio.Event()
        self._trading = 0

    def put(
        self,
        finished: FinishedStep,
        with_slot: bool,
        settled: Callable[[FinishedStep, bool], None] | None = None,
    ) -> None:
        """Have a result submitted."""
        self.outbox.append(Outgoing(finished, with_slot, settled))
        self._signal.set()

    def wake(self) -> None:
        """There may be steps to claim."""
        self.capacity.hungry = True
        self._signal.set()

    @property
    def settled(self) -> bool:
        """Whether every result is submitted, and whatever the answers brought is with the worker."""
        return not self.outbox and not self._trading

    async def run(self) -> None:
        """One loop, until cancelled."""
        conn: Connection | None = None
        try:
            while True:
                try:
                    conn = await self._trade(conn or await self._connect())
                except Exception:
                    log.exception(
                        "an exchange with the database failed; what it held comes back by its lease"
                    )
                    if conn is not None:
                        conn.terminate()
                    conn = None
                    await asyncio.sleep(RECONNECT_SECONDS[1])
        finally:
            if conn is not None:
                conn.terminate()

    async def _trade(self, conn: Connection) -> Connection:
        """Submit what is there, else claim if there is reason to, else wait."""
        batch = self.outbox[: self.capacity.share]
        del self.outbox[: self.capacity.share]
        wanted = self.capacity.take_wanted()
        if not batch and not wanted:
            await self._wait()
            return conn
        self._trading += 1
        try:
            return await (self._submit(conn, batch, wanted) if batch else self._claim(conn, wanted))
        finally:
            self._trading -= 1
            self._answered()

    async def _wait(self) -> None:
        self._signal.clear()
        try:
            async with asyncio.timeout(FALLBACK_SECONDS):
                await self._signal.wait()
        except TimeoutError:
            self.capacity.hungry = True

    async def _claim(self, conn: Connection, wanted: int) -> Connection:
        since = time.monotonic()
        try:
            with self.capacity.promised(wanted):
                held = await retry_deadlock(lambda: claims.claim(conn, self.worker, uuid4(), wanted))
        except RECONNECTABLE as error:
            self.capacity.hungry = True
            log.warning("claiming failed: %s", error)
            return await self._reconnect(conn)
        self._metrics.claim_answered(time.monotonic() - since)
        self.capacity.give(wanted - len(held))
        self.capacity.hungry |= len(held) == wanted
        await self._begin(held, since)
        return conn

    async def _submit(self, conn: Connection, batch: list[Outgoing], wanted: int) -> Connection:
        results = [one.finished for one in batch]
        slots = sum(one.with_slot for one in batch)
        since = time.monotonic()
        with self.capacity.promised(slots + wanted):
            conn, answer = await self._submit_surely(conn, results, slots, wanted)
        self._metrics.submit_answered(len(results), len(answer.refused), time.monotonic() - since)
        self.capacity.give(slots + wanted - len(answer.held))
        self.capacity.hungry |= wanted > 0 and len(answer.held) >= wanted
        self._tell_others(answer)
        self._settle(batch, results, answer)
        for refusal in answer.refused:
            self._refused(refusal.step_uuid, refusal.reason)
        await self._begin(answer.held, since)
        return conn

    async def _begin(self, held: list[ClaimedStep], since: float) -> None:
        if held:
            with self.capacity.promised(len(held)):
                await self._start(held, since)

    async def _submit_surely(
        self, conn: Connection, results: list[FinishedStep], keep: int, claim: int
    ) -> tuple[Connection, SubmitAnswer]:
        """Submit until there is an answer: sent again unchanged, one that was stored answers the same.

        A result that can't be stored is replaced in `results` by what is stored instead.
        """
        call = uuid4()
        wait, longest = RECONNECT_SECONDS
        while True:
            keep = 0 if self.capacity.draining else keep
            try:
                submit = partial(claims.submit, conn, self.worker, call, results, keep=keep, claim=claim)
                return conn, await retry_deadlock(submit)
            except PASSING as error:
                log.warning("a submit has no answer (%s); sending it again in %.1f s", error, wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, longest)
                conn = await self._reconnect(conn)
            except NOT_STORABLE as error:
                log.warning("PostgreSQL refused %d results: %s", len(results), error)
                if len(results) > 1:
                    return await self._submit_singly(conn, results, keep)
                if results[0].details is _REFUSED_DETAILS:
                    raise
                call = uuid4()
                refused = results[0]
                results[0] = refused._replace(events=None) if refused.events else _not_storable(refused)

    async def _submit_singly(
        self, conn: Connection, results: list[FinishedStep], keep: int
    ) -> tuple[Connection, SubmitAnswer]:
        """One result of the batch can't be stored: it becomes its step's permanent failure, alone."""
        whole = SubmitAnswer()
        for place, finished in enumerate(results):
            free = min(1, keep - len(whole.held))
            alone = [finished]
            conn, answer = await self._submit_surely(conn, alone, free, 0)
            results[place] = alone[0]
            whole.held += answer.held
            whole.refused += answer.refused
            whole.queued += answer.queued
            whole.left_over += answer.left_over
        return conn, whole

    def _settle(self, batch: list[Outgoing], results: list[FinishedStep], answer: SubmitAnswer) -> None:
        if any(stored.events for stored in results):
            self._notifier.wake(DOMAIN_EVENTS)
        refused = {(one.step_uuid, one.claim_no) for one in answer.refused}
        for one, stored in zip(batch, results, strict=True):
            if one.settled is not None:
                one.settled(stored, (stored.step_uuid, stored.claim_no) not in refused)

    def _tell_others(self, answer: SubmitAnswer) -> None:
        if answer.queued:
            self.capacity.hungry = True
            self._notifier.wake(READY)
        if answer.left_over:
            self._notifier.wake(RESULTS)

    async def _reconnect(self, conn: Connection) -> Connection:
        conn.terminate()
        return await self._connect()

    async def _connect(self) -> Connection:
        wait, longest = RECONNECT_SECONDS
        while True:
            try:
                return await connect(self._dsn)
            except DATABASE_ERRORS as error:  # also one that refuses us for a while
                log.warning("the database can't answer (%s); trying again in %.1f s", error, wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, longest)


def _not_storable(finished: FinishedStep) -> FinishedStep:
    return finished._replace(success=False, result=None, details=_REFUSED_DETAILS, events=None)
