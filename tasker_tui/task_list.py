"""The state of the task list: the filter, the window on the server's list, and what has to be loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from tasker_tui.clock import Clock
from tasker_tui.filters import TaskFilter, matches
from tasker_tui.states import FAILING_TASKS
from tasker_tui.task_order import NEWEST_FIRST
from tasker_tui.task_pages import Page, Want, apply, around, missing, newest
from tasker_tui.task_window import Merged, TaskWindow
from tasker_tui.view_models import TaskRow

STEPS_AGE = timedelta(seconds=2)
"""How old a list may become whose filter asks of steps."""


class TaskList:
    """A `RowSource` of tasks. One page is loaded at a time; answers to an older filter are dropped."""

    def __init__(self, clock: Clock) -> None:
        self.filter, self.order = TaskFilter(), NEWEST_FIRST
        self.window = TaskWindow()
        self.request = 0
        self.loaded = False
        self.counted = False
        """Whether `total` was counted; before that it is the server's estimate."""
        self._clock = clock
        self._pending: Want | None = None
        self._view = (0, 0)
        self._newer_unseen = False
        self._taken_at = clock.now()

    @property
    def total(self) -> int:
        """How many tasks the filter finds, as far as is known."""
        return self.window.total

    def row_at(self, index: int) -> TaskRow | None:
        """The task at an index, None if it is not in memory."""
        return self.window.row_at(index)

    def index_of(self, key: str) -> int | None:
        """Where a task stands, None if it is not in memory."""
        return self.window.index_of(key)

    def key_of(self, row: TaskRow) -> str:
        """What the cursor holds on to."""
        return row.uuid

    def narrow(self, task_filter: TaskFilter) -> None:
        """Another filter: what is shown stays until its first page is there."""
        self.filter = task_filter
        self._ask_anew()

    def turn(self) -> None:
        """The other end first: what is shown stays as long."""
        self.order = self.order.turned
        self._ask_anew()

    def _ask_anew(self) -> None:
        self.request += 1
        self._pending = None
        self.loaded = self.counted = False

    def look_at(self, first: int, last: int) -> None:
        """The view is on these indices."""
        self._view = (first, last)

    def in_view(self) -> list[TaskRow]:
        """The rows that are looked at, as far as they are in memory."""
        first, last = self._view
        rows = (self.window.row_at(index) for index in range(first, last + 1))
        return [row for row in rows if row is not None]

    def next_want(self) -> Want | None:
        """The page to ask for now, None if nothing is missing or a page is on its way."""
        if self._pending is not None:
            return None
        if not self.loaded:
            self._pending = Want("top")
        elif self._newer_unseen and (want := newest(self.window)):
            self._newer_unseen, self._pending = False, want
        else:
            self._pending = missing(self.window, *self._view)
        return self._pending

    def reload(self) -> Want:
        """The page in view, to be asked for again; older answers are dropped."""
        self.request += 1
        self._pending = around(self.window, self._view[0]) if self.loaded else Want("top")
        return self._pending

    def aged(self) -> bool:
        """Whether to ask for the rows again: what a step does can change without an event of its task."""
        age = self._clock.now() - self._taken_at
        return self.filter.asks_of_steps and self.loaded and self._pending is None and age >= STEPS_AGE

    def take(self, page: Page) -> bool:
        """Put a page in; False if it answers an older question."""
        if page.request != self.request:
            return False
        self._pending = None
        self.loaded, self._taken_at = True, self._clock.now()
        self.window.order = self.order
        if self.counted and page.want.kind == "top":
            page = replace(page, total=self.total)  # better than an estimate, until they are counted again
        apply(page, self.window)
        self.counted = self.counted or not page.more
        self.window.trim(*self._view)
        return True

    def count(self, request: int, total: int) -> None:
        """Take over how many tasks the filter finds, if it is still that one."""
        if request == self.request:
            self.window.counted(total)
            self.counted = True

    def failed(self, request: int) -> bool:
        """Note that a page could not be loaded; False if nobody waits for it."""
        if request != self.request:
            return False
        self._pending = None
        return True

    def merge(self, rows: Iterable[TaskRow]) -> Merged:
        """Take over the latest rows of the event stream."""
        now = self._clock.now()

        def wanted(row: TaskRow) -> bool:
            belongs = matches(self.filter, row, now)
            if belongs is None and self.filter.asks_of_steps:
                return self.index_of(row.uuid) is not None
            if belongs is None:
                self._newer_unseen = True
            return bool(belongs)

        return self.window.merge(rows, wanted)


def nothing_to_show(task_filter: TaskFilter, over: bool, example: str) -> list[str]:
    """What an empty list says, with names of keys; `over`: it lies over others, `example` starts a task."""
    if task_filter.states == FAILING_TASKS and not task_filter.text:
        return ["Nothing is failing.", "", "{tasks.failing} or {tasks.clear} shows all tasks."]
    if task_filter:
        leave = "leads back" if over else "shows all tasks"
        return ["No task fits this filter.", "", f"{{tasks.filter}} changes it, {{tasks.clear}} {leave}."]
    return ["No task has been started yet.", "",
            "{tasks.start} starts one from a form, or on the command line:", example]  # fmt: skip
