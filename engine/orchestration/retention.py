"""Old tasks leave, a few in each transaction, beside everything else; where asked for, to a file."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import asyncpg

from engine.settings import RetentionSettings
from engine.store import retention
from engine.store.pool import Connection, Pool, retry_deadlock
from engine.store.retention import Age, Stretch

log = logging.getLogger("tasker.retention")

LOOK_SECONDS = 600.0
PAUSE = 1.0
"""After each transaction, as a multiple of what it took: half of a connection's time is the most it takes."""

FLUSH_BYTES = 1 << 20


class Progress(NamedTuple):
    """What is gone since the last time."""

    tasks: int
    partitions: int


class ExportFailed(Exception):
    """Tasks could not be written to the file, and stay. Says why."""


class Export:
    """A file of JSON lines, one a task, to which is appended. What is in it is on the disk before a task is
    removed; a task that could not be removed afterwards is written again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def write(self, conn: Connection, tasks: list[UUID]) -> None:
        """Append tasks; raises ExportFailed."""
        try:
            await self._write(conn, tasks)
        except asyncpg.ProgramLimitExceededError as error:
            raise ExportFailed(f"a task is too large for one line of {self.path}") from error

    async def _write(self, conn: Connection, tasks: list[UUID]) -> None:
        waiting: list[str] = []
        size = 0
        async for line in retention.export_lines(conn, tasks):
            waiting.append(line)
            size += len(line)
            if size >= FLUSH_BYTES:
                await asyncio.to_thread(self._append, waiting)
                waiting, size = [], 0
        await asyncio.to_thread(self._append, waiting, sync=True)

    def _append(self, lines: list[str], *, sync: bool = False) -> None:
        # Not as it is: an OSError is what a lost database raises too.
        size: int | None = None
        try:
            with self.path.open("a", encoding="utf-8") as file:
                size = os.fstat(file.fileno()).st_size
                file.writelines(f"{line}\n" for line in lines)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            if size is not None:
                # What the next try writes must not go on with half a line.
                with suppress(OSError):
                    os.truncate(self.path, size)
            raise ExportFailed(f"{self.path} cannot be written: {error.strerror}") from error


async def remove_old(pool: Pool, age: Age, export: Export | None) -> AsyncIterator[Progress]:
    """Remove old tasks, the oldest first, and then the partitions that are left empty.

    Ends early when somebody else is at it; raises ExportFailed. What was told is committed.
    """
    async with pool.acquire() as conn:
        stretches = await retention.old_ranges(conn, age)
    for stretch in stretches:
        looked_to: UUID | None = stretch.from_uuid
        while looked_to is not None:
            began = asyncio.get_running_loop().time()
            turn = await retry_deadlock(partial(_some, pool, stretch, looked_to, age, export))
            if turn is None:
                return
            removed, looked_to = turn
            yield Progress(removed, 0)
            if looked_to is not None:
                await asyncio.sleep(PAUSE * (asyncio.get_running_loop().time() - began))
    async with pool.acquire() as conn:
        while dropped := await retention.drop_partitions(conn, age):
            yield Progress(0, dropped)


async def _some(
    pool: Pool, stretch: Stretch, after: UUID, age: Age, export: Export | None
) -> tuple[int, UUID | None] | None:
    async with pool.acquire() as conn, conn.transaction():
        if not await retention.claim_turn(conn):
            return None
        old = await retention.lock_old(conn, stretch, after, age)
        if old.tasks:
            if export is not None:
                await export.write(conn, old.tasks)
            await retention.delete_tasks(conn, old.tasks, history=not stretch.whole)
    return len(old.tasks), old.looked_to


class Retention:
    """The engine's loop, by its settings."""

    def __init__(self, pool: Pool, settings: RetentionSettings) -> None:
        self._pool = pool
        self._settings = settings

    async def look(self) -> float:
        """Remove what is old; returns in how many seconds to look again."""
        days = self._settings.keep_days
        if days is None:
            return LOOK_SECONDS
        failed = self._settings.keep_failed_days or days
        async with self._pool.acquire() as conn:
            age = await retention.age(conn, timedelta(days=days), timedelta(days=failed))
        tasks = partitions = 0
        try:
            async for progress in remove_old(self._pool, age, self._export()):
                tasks, partitions = tasks + progress.tasks, partitions + progress.partitions
        except ExportFailed as error:
            log.error(
                "old tasks stay: %s; see to retention.export_folder or unset it, the next try is in %.0f min",
                error,
                LOOK_SECONDS / 60,
            )
        if tasks or partitions:
            log.info("removed %s old tasks and %s partitions of their history", tasks, partitions)
        return LOOK_SECONDS

    def _export(self) -> Export | None:
        folder = self._settings.export_folder
        if folder is None:
            return None
        return Export(folder / f"tasks-{socket.gethostname()}-{os.getpid()}.jsonl")
