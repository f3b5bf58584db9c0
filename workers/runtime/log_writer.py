"""Writes what handlers logged, in batches and off the hot path."""

from __future__ import annotations

import asyncio
import logging
from operator import itemgetter
from typing import Any

from engine.store.pool import Pool
from workers.runtime.capture import LogBuffer

log = logging.getLogger("tasker.worker")

EVERY_SECONDS = 0.25
COLUMNS = ("task_uuid", "step_uuid", "claim_no", "attempt", "level", "logger", "message", "at")
BY_TIME = itemgetter(COLUMNS.index("at"))


class LogWriter:
    """Collects the attempts that have new output and stores it. What can't be stored is lost; it says so."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._dirty: set[LogBuffer] = set()
        self._unwritten: list[tuple[Any, ...]] = []
        self._loop = asyncio.get_running_loop()

    def changed(self, output: LogBuffer) -> None:
        """An attempt has new output; callable from any thread."""
        self._loop.call_soon_threadsafe(self._heard, output)

    def _heard(self, output: LogBuffer) -> None:
        """Not `self._dirty.add` at once: a round may begin in between, and take that set along."""
        self._dirty.add(output)

    def ended(self, output: LogBuffer) -> None:
        """The handler has returned; its unfinished line counts too. Called on the loop."""
        output.ended = True
        if output.has_output:
            self._dirty.add(output)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write what there is."""
        dirty, self._dirty = self._dirty, set()
        rows = [*self._unwritten, *((*output.origin, *line) for output in dirty for line in output.take())]
        self._unwritten = []
        if not rows:
            return
        rows.sort(key=BY_TIME)  # who follows a task reads the lines of its steps as they were written
        try:
            async with self._pool.acquire() as conn:
                await conn.copy_records_to_table(
                    "step_logs", schema_name="tasker", columns=COLUMNS, records=rows
                )
        except asyncio.CancelledError:  # the worker ends: its last words follow
            self._unwritten = rows
            raise
        except Exception as error:  # whatever it is: those who log later are to be heard
            log.warning("%d log lines of steps are lost: %s", len(rows), error or type(error).__name__)
