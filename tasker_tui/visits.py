"""The places that were shown one after the other; one can go back and forth between them."""

from __future__ import annotations

from tasker_tui.locator import Locator

KEPT = 100


class Visits:
    """A place that is shown again with another filter or step is the same visit."""

    def __init__(self) -> None:
        self._places: list[Locator] = []
        self._at = -1

    def record(self, where: Locator) -> None:
        """A place is shown. What was gone back from is forgotten when it is another one."""
        if self._at >= 0 and self._places[self._at].target == where.target:
            self._places[self._at] = where
            return
        self._places = [*self._places[: self._at + 1], where][-KEPT:]
        self._at = len(self._places) - 1

    def go(self, by: int) -> Locator | None:
        """The place before (-1) or after (1) this one; None where there is no more."""
        at = self._at + by
        if not 0 <= at < len(self._places):
            return None
        self._at = at
        return self._places[at]
