"""Marks in the list of tasks: set, extended, taken back, and what is done to all that are marked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from textual.screen import Screen

from tasker_tui.filters import TaskFilter
from tasker_tui.keymap import with_keys
from tasker_tui.marks import Marks, Undo
from tasker_tui.services import Services
from tasker_tui.task_list import TaskList
from tasker_tui.trouble import CALL_FAILURES, explain
from tasker_tui.view_models import TaskRow

if TYPE_CHECKING:
    from engine.model.bulk import BulkVerb
    from tasker_tui.bulk_operations import BulkOperations


@dataclass(frozen=True, slots=True)
class View:
    """What undo leads back to."""

    filter: TaskFilter
    marks: Marks


class TaskMarking:
    """Runs on the screen of a list. `changed` shows the marks; `narrow` sets a filter, unrecorded."""

    def __init__(
        self,
        screen: Screen[None],
        services: Services,
        tasks: TaskList,
        *,
        changed: Callable[[], object],
        narrow: Callable[[TaskFilter], object],
    ) -> None:
        self._screen, self._services, self._tasks = screen, services, tasks
        self._changed, self._narrow = changed, narrow
        self._views = Undo(View(tasks.filter, Marks()))
        self._anchor: str | None = None
        self._before_range = Marks()
        self.marks = Marks()

    @cached_property
    def _bulk(self) -> BulkOperations:
        from tasker_tui.bulk_operations import BulkOperations  # what it asks with would slow the start

        return BulkOperations(self._screen, self._services, self.unmark)

    @property
    def count(self) -> int:
        """How many are marked."""
        return self._tasks.total if self.marks.everything else len(self.marks.keys)

    @property
    def ranging(self) -> bool:
        """Whether a range reaches to where the cursor is moved."""
        return self._anchor is not None

    def describe(self) -> str:
        """The marks in words, for the title of the list."""
        if not self.marks:
            return ""
        ranging = "  {tasks.range} ends the range" if self._anchor else ""
        return with_keys(self._screen.app, f"{self.count:,} marked{ranging}")

    def toggle(self, row: TaskRow) -> None:
        """Mark the row, or unmark it."""
        if self.marks.everything:
            self._say("all that fit are marked; {tasks.unmark} unmarks them")
            return
        self._anchor = None
        self._set(self.marks.toggled(row.uuid))

    def range(self, row: TaskRow) -> None:
        """Begin a range at the row, or end the one that was begun."""
        if self.ranging:
            self.end_range()
        else:
            self._anchor, self._before_range = row.uuid, Marks(self.marks.keys)
            self.extend(row)

    def end_range(self) -> None:
        """What the range has marked stays marked; the cursor marks no more."""
        if self.ranging:
            self._anchor = None
            self._set(self.marks)

    def extend(self, row: TaskRow | None) -> None:
        """The cursor is on this row: while a range is marked, it reaches to here."""
        if self._anchor is None or row is None:
            return
        begun, here = self._tasks.index_of(self._anchor), self._tasks.index_of(row.uuid)
        if begun is None or here is None:
            self.end_range()
            self._say("the range is too long; set a filter, and {tasks.mark_all} marks all that fit it")
            return
        between = range(min(begun, here), max(begun, here) + 1)
        rows = [self._tasks.row_at(index) for index in between]
        self.marks = self._before_range.with_these([found.uuid for found in rows if found])
        self._changed()

    def mark_all(self) -> None:
        """Mark all that fit the filter, loaded or not."""
        self._anchor = None
        self._set(Marks(everything=True))

    def unmark(self) -> None:
        """Nothing is marked any more."""
        self._anchor = None
        self._set(Marks())

    def filtered(self, task_filter: TaskFilter) -> None:
        """Another filter is in force: marks of single tasks stay, `all that fit` meant the one before."""
        self._anchor = None
        if self.marks.everything:
            self.marks = Marks()
        self._views.record(View(task_filter, self.marks))

    def undo(self, by: int) -> None:
        """Go back (-1) or forth (1) to what was marked and shown."""
        self._anchor = None
        if not self._views.go(by):
            self._say("there is nothing to undo" if by < 0 else "there is nothing to do again")
            self._changed()
            return
        view = self._views.value
        self._narrow(view.filter)
        self.marks = view.marks
        self._changed()

    def do(self, verb: BulkVerb, row: TaskRow | None = None) -> None:
        """The verb on all that are marked; with nothing marked on the row."""
        from engine.model.wire.bulk import MAX_NAMED, BulkFilter

        if self.marks.everything:
            self.do_all(verb)
            return
        keys = self.marks.keys or ({row.uuid} if row else set())
        if len(keys) > MAX_NAMED:
            self._say(
                f"more than {MAX_NAMED:,} are marked; "
                "set a filter, and {tasks.mark_all} marks all that fit it"
            )
        elif keys:
            self._bulk.ask(verb, BulkFilter(task_uuids=[UUID(key) for key in sorted(keys, reverse=True)]))

    def do_all(self, verb: BulkVerb) -> None:
        """The verb on all that fit the filter as it is now."""
        self._screen.run_worker(self._select(verb, self._tasks.filter), group="operations")

    async def _select(self, verb: BulkVerb, task_filter: TaskFilter) -> None:
        from tasker_tui.selecting import TooMany, select

        services = self._services
        try:
            wanted = await select(services.client, task_filter, services.clock.now())
        except TooMany as error:
            self._say(str(error))
        except CALL_FAILURES as error:
            self._say(explain(error))
        else:
            if wanted is None:
                self._say("no task fits this filter any more")
            else:
                self._screen.call_next(self._bulk.ask, verb, wanted)

    def _set(self, marks: Marks) -> None:
        self.marks = marks
        self._views.record(View(self._tasks.filter, marks))
        self._changed()

    def _say(self, text: str) -> None:
        self._screen.notify(with_keys(self._screen.app, text), severity="warning", markup=False)
