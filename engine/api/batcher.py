"""Concurrent creations share a transaction: batches form by themselves, and nobody waits for one to fill."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import asyncpg

from engine.api.database import Database
from engine.messaging.channels import READY
from engine.messaging.notify import Notifier
from engine.store.pool import RECONNECTABLE, Connection, retry_deadlock
from engine.store.tasks import Creation, NewTask, create_many

BATCH = 200
FLUSHES = 2
"""Transactions at once: while one waits for its commit another one runs."""

Waiting = tuple[NewTask, "asyncio.Future[Creation]"]


class CreateBatcher:
    """Creates what arrived in the meantime in one call of `create_tasks`."""

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier
        self._waiting: deque[Waiting] = deque()
        self._taking = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many creations wait for a transaction."""
        return len(self._waiting)

    async def create(self, task: NewTask) -> Creation:
        """Create one task, together with whoever comes along; raises what the database says to it alone."""
        future: asyncio.Future[Creation] = asyncio.get_running_loop().create_future()
        self._waiting.append((task, future))
        if self._taking < FLUSHES:
            self._taking += 1
            flush = asyncio.create_task(self._flush())
            self._tasks.add(flush)
            flush.add_done_callback(self._tasks.discard)
        return await future

    async def create_all(self, tasks: Sequence[NewTask]) -> list[Creation | Exception]:
        """Create tasks in one transaction; if that fails, each by itself, with failures as answers."""
        async with self._database.acquire() as conn:
            return await self._create(conn, tasks)

    async def _flush(self) -> None:
        batch: list[Waiting] = []
        taking = True
        try:
            async with self._database.acquire() as conn:
                while self._waiting:
                    batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                    answers = await self._create(conn, [task for task, _ in batch])
                    _settle(batch, answers)
                # It has yet to give its connection back, but who comes now must not count on it.
                taking, self._taking = False, self._taking - 1
        except Exception as error:
            _settle([*batch, *self._waiting], [error] * (len(batch) + len(self._waiting)))
            self._waiting.clear()
        finally:
            self._taking -= taking

    async def _create(self, conn: Connection, tasks: Sequence[NewTask]) -> list[Creation | Exception]:
        try:
            return [*await self._create_in_one(conn, tasks)]
        except RECONNECTABLE:
            # Whether it was committed is unknown: creating it again could make it twice.
            raise
        except asyncpg.PostgresError as error:
            if len(tasks) == 1:
                return [error]
        return [answer for task in tasks for answer in await self._create(conn, [task])]

    async def _create_in_one(self, conn: Connection, tasks: Sequence[NewTask]) -> list[Creation]:
        notify = self._notifier.claim_turn(READY)
        created = await retry_deadlock(lambda: create_many(conn, tasks, notify=notify))
        if not notify:
            self._notifier.wake(READY)
        return created


def _settle(batch: Sequence[Waiting], answers: Sequence[Creation | Exception]) -> None:
    for (_, future), answer in zip(batch, answers, strict=True):
        if future.done():  # whoever waited for it has gone
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
