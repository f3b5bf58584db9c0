"""The part of the task list that is in memory: a contiguous run of the server's list, in either order.

Rows are identified by uuid, whose order is the order of creation. The run slides over the list by keyset
pages; how many rows lie above it (`base`) is exact once it has touched the top or the bottom, before that
an estimate, which moves the scrollbar and nothing else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tasker_tui.task_order import NEWEST_FIRST
from tasker_tui.view_models import TaskRow

MAX_ROWS = 4000
"""Beyond this the rows farthest from the view are let go; they are loaded again by key."""


class TaskWindow:
    """Rows `base` … `base + len(rows) - 1` of `total`. `order` changes only before `show_top`."""

    def __init__(self) -> None:
        self.order = NEWEST_FIRST
        self.rows: list[TaskRow] = []
        self.base = 0
        self.total = 0
        self.at_top = True
        self.at_bottom = True
        self._places: list[int] = []
        self._newest = 0
        """The place of the newest task that was seen, without its sign."""

    def index_of(self, uuid: str) -> int | None:
        """Where a task stands in the whole list, None if it is not in memory."""
        at = bisect_left(self._places, self.order.place(uuid))
        if at < len(self.rows) and self.rows[at].uuid == uuid:
            return self.base + at
        return None

    def row_at(self, index: int) -> TaskRow | None:
        """The task at an index of the whole list, None if it is not in memory."""
        at = index - self.base
        return self.rows[at] if 0 <= at < len(self.rows) else None

    def show_top(self, rows: Sequence[TaskRow], total: int, complete: bool) -> None:
        """Begin anew with the first rows; `complete` says that there are no others."""
        self._set(list(rows), 0)
        self.at_top, self.at_bottom = True, complete
        self.total = len(rows) if complete else max(total, len(rows) + 1)

    def show_bottom(self, rows: Sequence[TaskRow]) -> None:
        """Begin anew with the last rows."""
        self._set(list(rows), max(0, self.total - len(rows)))
        self.at_top, self.at_bottom = self.base == 0, True
        self.total = self.base + len(rows)

    def show_middle(self, rows: Sequence[TaskRow], base: int) -> None:
        """Begin anew with rows whose place is only estimated."""
        self._set(list(rows), max(1, min(base, self.total - len(rows) - 1)))
        self.at_top = self.at_bottom = False

    def extend_down(self, rows: Sequence[TaskRow], more: bool) -> None:
        """Add the next rows below; without `more` the list ends with them."""
        fresh = [row for row in rows if self.index_of(row.uuid) is None]
        self._set(self.rows + fresh, self.base)
        end = self.base + len(self.rows)
        self.at_bottom = not more
        self.total = max(self.total, end + 1) if more else end

    def extend_up(self, rows: Sequence[TaskRow], more: bool) -> None:
        """Add the next rows above; without `more` the list begins with them."""
        fresh = [row for row in rows if self.index_of(row.uuid) is None]
        below = self.total - self.base
        base = max(1, self.base - len(fresh)) if more else 0
        self._set(fresh + self.rows, base)
        self.at_top = not more
        self.total = base + len(fresh) + below

    def counted(self, total: int) -> None:
        """Take over how many there are, where the ends that have been seen do not say so."""
        if self.at_top and self.at_bottom:
            return
        if self.at_bottom:
            self.base = max(1, total - len(self.rows))
            self.total = self.base + len(self.rows)
        else:
            self.total = max(total, self.base + len(self.rows) + 1)

    def trim(self, first: int, last: int) -> None:
        """Let rows go that are far from the indices `first` … `last`."""
        spare = len(self.rows) - MAX_ROWS
        if spare <= 0:
            return
        above, below = first - self.base, self.base + len(self.rows) - 1 - last
        if above >= below:
            cut = min(spare, max(0, above))
            self._set(self.rows[cut:], self.base + cut)
            self.at_top = self.at_top and cut == 0
        else:
            cut = min(spare, max(0, below))
            self._set(self.rows[: len(self.rows) - cut], self.base)
            self.at_bottom = self.at_bottom and cut == 0

    def merge(self, rows: Iterable[TaskRow], wanted: Callable[[TaskRow], bool]) -> Merged:
        """Take over the latest rows of the stream: change, add or remove what the filter says."""
        merged = Merged(set(), moved=False)
        for row in rows:
            index = self.index_of(row.uuid)
            if index is not None:
                self._update(index - self.base, row, wanted, merged)
            elif wanted(row):
                self._insert(row, merged)
        return merged

    def _update(self, at: int, row: TaskRow, wanted: Callable[[TaskRow], bool], merged: Merged) -> None:
        known = self.rows[at]
        if row.updated_at < known.updated_at:
            return
        row = row.with_details_of(known)
        if wanted(row):
            self.rows[at] = row
            merged.changed.add(row.uuid)
        else:
            del self.rows[at], self._places[at]
            self.total -= 1
            merged.moved = True

    def _insert(self, row: TaskRow, merged: Merged) -> None:
        place = self.order.place(row.uuid)
        at = bisect_left(self._places, place)
        above, below = at == 0 and not self.at_top, at == len(self.rows) and not self.at_bottom
        if not (above or below):
            self.rows.insert(at, row)
            self._places.insert(at, place)
        elif abs(place) > self._newest:  # else it was there when they were counted
            self.base += above
        else:
            return
        self._newest = max(self._newest, abs(place))
        self.total, merged.moved = self.total + 1, True

    def _set(self, rows: list[TaskRow], base: int) -> None:
        self.rows, self.base = rows, base
        place = self.order.place
        self._places = [place(row.uuid) for row in rows]
        if rows:
            self._newest = max(self._newest, abs(self._places[0]), abs(self._places[-1]))


@dataclass(slots=True)
class Merged:
    """What a merge did: the uuids of rows that look different now, and whether rows came, left or moved."""

    changed: set[str]
    moved: bool
