"""How many more steps a worker may take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

EXCHANGES = 2
"""Loops that trade with the database at the same time."""


class Capacity:
    """The free slots. One is taken before the call that may fill it, so that no two calls promise the same.

    `share` is what one exchange may move at once: if one took everything, the others and the handlers would
    have nothing to do until it is back.
    `hungry` says that there may be something to claim; it is cleared by whoever goes and looks.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.share = -(-slots // EXCHANGES)
        self.free = slots
        self.hungry = True
        self.draining = False

    def take_wanted(self) -> int:
        """Take the slots that the next call should try to fill by claiming; 0 when there's no reason to."""
        if self.draining or not self.hungry or self.free <= 0:
            return 0
        wanted = min(self.free, self.share)
        self.free -= wanted
        self.hungry = self.free > 0
        return wanted

    @contextmanager
    def promised(self, slots: int) -> Iterator[None]:
        """Slots that a call may fill; they are free again if it fails."""
        try:
            yield
        except Exception:
            self.give(slots)
            raise

    def give(self, slots: int) -> None:
        """Slots are free again."""
        self.free += slots
