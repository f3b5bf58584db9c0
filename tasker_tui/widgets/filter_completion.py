"""What the line offers in which a filter of the list of tasks is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.suggester import Suggester

from tasker_tui.filters import completion

Names = Callable[[], dict[str, Sequence[str]]]


class FilterCompletion(Suggester):
    """Completes keys, states, and what `names` knows for a key."""

    def __init__(self, names: Names) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._names = names

    async def get_suggestion(self, value: str) -> str | None:
        """The whole text with its last word completed."""
        return completion(value, self._names())
