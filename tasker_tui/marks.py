"""What is marked in a list, and the way back to what was marked and shown before."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Marks:
    """Rows by their keys; or `everything` that fits the filter in force, loaded or not."""

    keys: frozenset[str] = frozenset()
    everything: bool = False

    def __bool__(self) -> bool:
        return self.everything or bool(self.keys)

    def __contains__(self, key: object) -> bool:
        return self.everything or key in self.keys

    def toggled(self, key: str) -> Marks:
        """With the row marked, or without it."""
        return Marks(self.keys ^ {key})

    def with_these(self, keys: Collection[str]) -> Marks:
        """With these rows as well."""
        return Marks(self.keys | frozenset(keys))


class Undo(Generic[T]):
    """Values that followed each other; one can go back and forth between them."""

    KEPT = 100

    def __init__(self, value: T) -> None:
        self._values, self._at = [value], 0

    @property
    def value(self) -> T:
        """The one that holds now."""
        return self._values[self._at]

    def record(self, value: T) -> None:
        """Another value: what was undone before it is forgotten. The same one again is no step."""
        if value == self.value:
            return
        self._values = [*self._values[: self._at + 1], value][-self.KEPT :]
        self._at = len(self._values) - 1

    def go(self, by: int) -> bool:
        """Go back (-1) or forth (1); False where there is nothing more."""
        at = self._at + by
        if not 0 <= at < len(self._values):
            return False
        self._at = at
        return True
