"""The live connection: reads the event stream, reconnects with backoff, and hands on what changed in batches.

A feed runs in a worker and never touches a widget: what it learns goes through `deliver` as values.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.client import StreamEvent
from engine.model.wire.events import ResetEvent, SummaryEvent, SummaryRow, TransitionChange, TransitionsEvent
from tasker_tui.client_port import Scope, TaskerPort
from tasker_tui.clock import Clock
from tasker_tui.trouble import CALL_FAILURES, explain

COALESCE_SECONDS = 0.05
"""At most one batch in this time; the first one after a pause goes out at once."""
FIRST_DELAY, LONGEST_DELAY = 0.5, 5.0
STABLE_SECONDS = 10.0
"""A stream that held this long starts its backoff anew."""
REMEMBERED_IDS = 20_000


@dataclass(frozen=True, slots=True)
class Live:
    """The stream is open. Without `resumed` there may be a gap before it: load again."""

    resumed: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """The stream is gone; the next attempt is at `retry_at`."""

    reason: str
    retry_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """What changed since the last batch: the latest row of each task, or transitions in their order."""

    rows: tuple[SummaryRow, ...] = ()
    changes: tuple[TransitionChange, ...] = ()
    lag: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Reload:
    """The server could not continue the stream: what is shown may have a gap, load again."""

    reason: str


News = Live | Lost | Batch | Reload


class Feed:
    """One subscription: the summary of all tasks, the transitions of one task, or those of all."""

    def __init__(
        self,
        client: TaskerPort,
        clock: Clock,
        deliver: Callable[[News], object],
        scope: Scope = "summary",
        task_uuid: str | None = None,
    ) -> None:
        self._client, self._clock, self._deliver = client, clock, deliver
        self._scope, self._task_uuid = scope, task_uuid
        self._cursor: str | None = None
        self._rows: dict[str, SummaryRow] = {}
        self._changes: list[TransitionChange] = []
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._cooling: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Follow the stream until cancelled."""
        failures = 0
        while True:
            opened = self._clock.now()
            try:
                await self._follow()
                reason = "the server closed the stream"
            except CALL_FAILURES as error:
                reason = explain(error)
            finally:
                self._stop_cooling()
            if (self._clock.now() - opened).total_seconds() >= STABLE_SECONDS:
                failures = 0
            delay = min(LONGEST_DELAY, FIRST_DELAY * 2**failures)
            failures += 1
            self._deliver(Lost(reason, self._clock.now() + timedelta(seconds=delay)))
            await self._clock.sleep(delay)

    async def _follow(self) -> None:
        await self._client.health()
        self._deliver(Live(resumed=self._cursor is not None))
        async for event in self._client.stream(self._scope, self._task_uuid, self._cursor):
            self._take(event)

    def _take(self, event: StreamEvent) -> None:
        if isinstance(event, ResetEvent):
            self._cursor = None
            self._deliver(Reload(event.reason))
            return
        self._cursor = event.cursor
        if isinstance(event, SummaryEvent):
            self._rows |= {str(row.task_uuid): row for row in event.tasks}
        elif isinstance(event, TransitionsEvent):
            self._changes += [change for change in event.changes if self._first_sight(change.id)]
        if self._cooling is None:
            self._flush()
            self._cooling = asyncio.create_task(self._cool_down())

    def _first_sight(self, change: int) -> bool:
        if change in self._seen:
            return False
        self._seen[change] = None
        if len(self._seen) > REMEMBERED_IDS:
            self._seen.popitem(last=False)
        return True

    async def _cool_down(self) -> None:
        while True:
            await self._clock.sleep(COALESCE_SECONDS)
            if not self._rows and not self._changes:
                self._cooling = None
                return
            self._flush()

    def _flush(self) -> None:
        rows, changes = tuple(self._rows.values()), tuple(self._changes)
        self._rows, self._changes = {}, []
        moments = [row.updated_at for row in rows] + [change.at for change in changes]
        if moments:
            lag = max(timedelta(), self._clock.now() - max(moments))
            self._deliver(Batch(rows, changes, lag))

    def _stop_cooling(self) -> None:
        if self._cooling is not None:
            self._cooling.cancel()
            self._cooling = None
            self._flush()
