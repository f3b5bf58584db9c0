"""The order of a list that is in memory whole: the server's, or that of a column. (Reference tui 4: `,` `<`
`>` `=`.)"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Generic, TypeVar

from tasker_tui.widgets.virtual_table import LESS_FIRST, MORE_FIRST, Column

R = TypeVar("R")

_DIGITS = re.compile(r"(\d{1,18})")


class Sorting(Generic[R]):
    """Which column sorts. `columns` gives all that the list has where there is room for them."""

    def __init__(self, columns: Callable[[], Sequence[Column[R]]]) -> None:
        self._columns = columns
        self._more_first = False
        self.title = ""
        """Of the column that sorts; none for the server's order."""

    @property
    def titles(self) -> list[str]:
        """The columns that can sort."""
        return [column.title for column in self._columns() if column.rank]

    @property
    def sign(self) -> str:
        """What stands behind the title of the column that sorts."""
        return MORE_FIRST if self._more_first else LESS_FIRST

    def choose(self, title: str) -> None:
        """Sort by a column, figures with the largest first; chosen again it turns round."""
        if title and title == self.title:
            self.reverse()
        else:
            self._more_first = any(one.title == title and one.align == "right" for one in self._columns())
            self.title = title

    def move(self, by: int) -> None:
        """To the next column (1) or the one before (-1); beyond the last is the server's order."""
        places = ["", *self.titles]
        self.choose(places[(places.index(self.title) + by) % len(places)])

    def reverse(self) -> None:
        """Turn the order of the column round."""
        self._more_first = not self._more_first

    def ordered(self, rows: Sequence[R]) -> Sequence[R]:
        """The rows as they are sorted: equal ones in the server's order, those without a rank at the end."""
        rank = next((one.rank for one in self._columns() if one.title == self.title), None)
        if rank is None:
            return rows
        ranked = [(rank(row), row) for row in rows]
        known = [(_comparable(value), row) for value, row in ranked if value is not None]
        known.sort(key=itemgetter(0), reverse=self._more_first)
        return [row for _, row in known] + [row for value, row in ranked if value is None]


def letters_of(titles: Sequence[str]) -> dict[str, str]:
    """A letter for each title, one of its own; a capital where the others have taken them all."""
    found: dict[str, str] = {}
    for title in titles:
        own = [letter for letter in title.lower() + title.upper() if letter.isalpha() and letter not in found]
        found |= dict.fromkeys(own[:1], title)
    return found


def _comparable(value: str | float) -> object:
    """`step_10` after `step_9`, in upper or lower case: the odd parts are digits, as `split` gives them."""
    if not isinstance(value, str):
        return value
    return [int(part) if at % 2 else part.casefold() for at, part in enumerate(_DIGITS.split(value))]
