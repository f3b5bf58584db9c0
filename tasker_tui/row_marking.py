"""Marks in a list that is in memory as a whole: single rows, a range, all that are shown."""

from __future__ import annotations

from collections.abc import Callable, Collection

from tasker_tui.marks import Marks


class RowMarking:
    """`shown` gives the keys of the rows from the first to the last; `changed` shows the marks."""

    def __init__(self, shown: Callable[[], list[str]], changed: Callable[[], object]) -> None:
        self._shown, self._changed = shown, changed
        self._anchor: str | None = None
        self._before_range = Marks()
        self.marks = Marks()

    @property
    def ranging(self) -> bool:
        """Whether a range reaches to where the cursor is moved."""
        return self._anchor is not None

    def describe(self, range_action: str) -> str:
        """The marks in words, for the title of the list; `{range_action}` is the key that ends a range."""
        ranging = f"  {{{range_action}}} ends the range" if self.ranging else ""
        return f"  {len(self.marks.keys):,} marked{ranging}" if self.marks else ""

    def toggle(self, key: str) -> None:
        """Mark the row, or unmark it."""
        self._set(self.marks.toggled(key))

    def range(self, key: str) -> None:
        """Begin a range at the row, or end the one that was begun."""
        if self.ranging:
            self._set(self.marks)
        else:
            self._anchor, self._before_range = key, self.marks
            self.extend(key)

    def extend(self, key: str) -> None:
        """The cursor is on this row: while a range is marked, it reaches to here."""
        keys = self._shown()
        if self._anchor in keys and key in keys:
            ends = sorted((keys.index(self._anchor), keys.index(key)))
            self.marks = self._before_range.with_these(keys[ends[0] : ends[1] + 1])
            self._changed()

    def mark_all(self) -> None:
        """Mark all that are shown."""
        self._set(self.marks.with_these(self._shown()))

    def unmark(self) -> None:
        """Nothing is marked any more."""
        self._set(Marks())

    def keep(self, known: Collection[str]) -> None:
        """Only these rows are left: marks of others go."""
        self.marks = Marks(self.marks.keys & frozenset(known))
        if self._anchor not in known:
            self._anchor = None

    def _set(self, marks: Marks) -> None:
        self._anchor, self.marks = None, marks
        self._changed()
