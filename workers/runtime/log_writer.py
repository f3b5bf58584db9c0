"""Writes what handlers logged, in batches and off the hot path."""

from __future__ import annotations

import asyncio
import logging
from operator import itemgetter

import asyncpg

from engine.store.pool import RECONNECTABLE, Pool
from workers.runtime.running import RunningStep

log = logging.getLogger("tasker.worker")

EVERY_SECONDS = 0.25
COLUMNS = ("task_uuid", "step_uuid", "claim_no", "attempt", "level", "logger", "message", "at")
BY_TIME = itemgetter(COLUMNS.index("at"))


class LogWriter:
    """Collects the steps that have new output and stores it. What can't be stored is lost, and said to be."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._dirty: set[RunningStep] = set()
        self._loop = asyncio.get_running_loop()

    def changed(self, step: RunningStep) -> None:
        """A step has new output; callable from any thread."""
        self._loop.call_soon_threadsafe(self._dirty.add, step)

    def ended(self, step: RunningStep) -> None:
        """A step's handler has returned; its unfinished line counts too. Called on the loop."""
        if step.log is not None and step.log.has_output:
            self._dirty.add(step)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write what there is."""
        dirty, self._dirty = self._dirty, set()
        rows = [row for step in dirty for row in _rows(step)]
        if not rows:
            return
        rows.sort(key=BY_TIME)  # who follows a task reads the lines of its steps as they were written
        try:
            async with self._pool.acquire() as conn:
                await conn.copy_records_to_table(
                    "step_logs", schema_name="tasker", columns=COLUMNS, records=rows
                )
        except (*RECONNECTABLE, asyncpg.PostgresError) as error:
            log.warning("%d log lines of steps are lost: %s", len(rows), error)


def _rows(step: RunningStep) -> list[tuple[object, ...]]:
    if step.log is None:
        return []
    claimed = step.claimed
    return [
        (claimed.task_uuid, claimed.step_uuid, claimed.claim_no, claimed.attempt, *line)
        for line in step.log.take(final=step.ended)
    ]
