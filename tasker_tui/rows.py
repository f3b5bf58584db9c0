"""The rows of a list that is in memory whole: those that fit its filter, in the order that was chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from tasker_tui.row_filter import RowFilter

R = TypeVar("R")


class Rows(Generic[R]):
    """A `RowSource`. `key_of` tells a row from the others, `searched` gives what a filter looks at, `ordered`
    sorts."""

    def __init__(
        self,
        key_of: Callable[[R], str],
        searched: Callable[[R], str],
        ordered: Callable[[Sequence[R]], Sequence[R]],
    ) -> None:
        self.key_of, self._searched, self._ordered = key_of, searched, ordered
        self.filter = RowFilter()
        self.rows: Sequence[R] = ()
        self.all: Sequence[R] = ()
        """Those that do not fit as well, in the server's order."""
        self._told: dict[str, str] = {}

    def load(self, rows: Sequence[R]) -> None:
        """Take these rows."""
        self.all = rows
        self._told.clear()
        self.arrange()

    def narrow(self, wanted: RowFilter) -> None:
        """Show those that fit."""
        self.filter = wanted
        self.arrange()

    def arrange(self) -> None:
        """Filter and sort anew."""
        wanted = self.filter
        fitting = [row for row in self.all if wanted.fits(self._text(row))] if wanted.tests else self.all
        self.rows = self._ordered(fitting)

    def _text(self, row: R) -> str:
        key = self.key_of(row)
        if key not in self._told:
            self._told[key] = f"{key}\n{self._searched(row)}"
        return self._told[key]

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.rows)

    def row_at(self, index: int) -> R | None:
        """The row at an index."""
        return self.rows[index] if 0 <= index < len(self.rows) else None

    def index_of(self, key: str) -> int | None:
        """Where a row stands."""
        return next((i for i, row in enumerate(self.rows) if self.key_of(row) == key), None)
