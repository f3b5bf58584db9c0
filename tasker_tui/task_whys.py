"""Why the tasks in view wait or have failed: asked for once they are shown, and again in time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from textual.screen import Screen

from engine.client.calls import why_tasks
from engine.model.wire.details import StepWhy
from tasker_tui.loading import Loading
from tasker_tui.services import Services
from tasker_tui.trouble import CALL_FAILURES
from tasker_tui.view_models import TaskRow

GATHERING = 0.2
"""Seconds for which rows are gathered that come into view or change: one question for all of them."""
OLD = timedelta(seconds=5)
"""A reason is asked for again after this time: workers come and go without a change of the task."""
AT_ONCE, KEPT = 100, 1_000


@dataclass(frozen=True, slots=True)
class Told:
    """What the server said of a row as it was then; `reason` None: nothing."""

    row: TaskRow
    at: datetime
    reason: StepWhy | None


class TaskWhys:
    """Keeps a reason for each of the latest rows. `in_view` are the rows whose reasons are shown; `arrived`
    gets the uuids of those of which something new is known."""

    def __init__(
        self,
        screen: Screen[None],
        services: Services,
        in_view: Callable[[], Iterable[TaskRow]],
        arrived: Callable[[Collection[str]], object],
    ) -> None:
        self._services, self._in_view, self._arrived = services, in_view, arrived
        self._loading = Loading(screen, self._load, "whys")
        self._told: dict[str, Told] = {}

    def of(self, row: TaskRow) -> StepWhy | None:
        """The reason that was told last: one that may be overtaken by now is better than one that flickers.
        None while nothing is known, and of tasks that are done."""
        told = self._told.get(row.uuid)
        return told.reason if told and _waits(row) else None

    def look(self) -> None:
        """Ask soon for what is missing in view."""
        if self._missing():
            self._loading.ask()

    def _missing(self) -> list[TaskRow]:
        now = self._services.clock.now()
        return [row for row in self._in_view() if _waits(row) and not self._known(row, now)]

    def _known(self, row: TaskRow, now: datetime) -> bool:
        told = self._told.get(row.uuid)
        return told is not None and told.row == row and (row.failing or now - told.at < OLD)

    async def _load(self) -> None:
        await self._services.clock.sleep(GATHERING)
        rows = self._missing()[:AT_ONCE]
        if not rows:
            return
        try:
            answer = await self._services.client.send(why_tasks([row.uuid for row in rows]))
        except CALL_FAILURES:
            found = {row.uuid: told.reason for row in rows if (told := self._told.get(row.uuid))}
        else:
            found = {str(reason.task_uuid): reason for reason in answer}
        self._keep(rows, found)
        self.look()

    def _keep(self, rows: Iterable[TaskRow], found: Mapping[str, StepWhy | None]) -> None:
        now, news = self._services.clock.now(), set()
        for row in rows:
            before, reason = self._told.pop(row.uuid, None), found.get(row.uuid)
            self._told[row.uuid] = Told(row, now, reason)
            if before is None or before.reason != reason:
                news.add(row.uuid)
        for uuid in list(self._told)[: max(0, len(self._told) - KEPT)]:
            del self._told[uuid]
        self._arrived(news)


def _waits(row: TaskRow) -> bool:
    return row.failing or not row.finished
