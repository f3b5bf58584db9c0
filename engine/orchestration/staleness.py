"""The search for tasks that are past the limits of their template (reference 8.4)."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from engine.settings import StalenessSettings
from engine.store.pool import RECONNECTABLE, Pool, retry_deadlock
from engine.store.staleness import EndedStale, StaleTask, count_search, end_stale, find_stale

log = logging.getLogger("tasker.orchestration")


@dataclass(frozen=True, slots=True)
class Search:
    """What one search did: the stale tasks with what became of each (None: nothing, or it failed)."""

    found: list[tuple[StaleTask, EndedStale | None]]
    looked_at: int


class StalenessDetector:
    """Finds stale tasks and ends them as their templates say. Any number of engines may each have one."""

    def __init__(self, pool: Pool, settings: StalenessSettings, actor: str) -> None:
        self._pool = pool
        self._settings = settings
        self._actor = actor

    async def look(self) -> float:
        """One search; returns in how many seconds to search again."""
        search = await self.search()
        full = search.looked_at == self._settings.batch_size and not self._settings.dry_run
        return 0.0 if full else self._settings.interval_seconds

    async def search(self) -> Search:
        """Look at what is due, `batch_size` tasks at most. With `dry_run` what is found is logged alone."""
        began, dry_run = time.perf_counter(), self._settings.dry_run
        stale, looked_at = await find_stale(self._pool, self._settings.batch_size, dry_run=dry_run)
        found: list[tuple[StaleTask, EndedStale | None]] = [
            (task, None if dry_run else await self._end(task)) for task in stale
        ]
        if dry_run:
            for task in stale:
                log.warning("dry run: %s would be ended", _told(task))
        await count_search(
            self._pool,
            detected=len(found),
            failed=sum(ended is not None and ended.moved is True for _, ended in found),
            milliseconds=round(1000 * (time.perf_counter() - began)),
        )
        return Search(found, looked_at)

    async def _end(self, task: StaleTask) -> EndedStale | None:
        """One task's end; that it fails does not keep the others from theirs."""
        try:
            ended = await retry_deadlock(lambda: end_stale(self._pool, task.task_uuid, self._actor))
        except RECONNECTABLE:
            raise
        except Exception:
            log.exception("%s could not be ended; trying again in a minute", _told(task))
            return None
        if ended.moved is not None:
            log.warning(
                "%s: %s%s",
                _told(task),
                "ended in error" if ended.moved else "it goes on",
                ", and is a dead letter" if ended.letter else "",
            )
        return ended


def _told(task: StaleTask) -> str:
    what = "lasted" if task.passed == "duration" else f"was in {task.state} for"
    return (
        f"task {task.task_uuid} of {task.namespace}/{task.name} {what} {task.minutes} minutes, "
        f"{task.threshold} are allowed"
    )
