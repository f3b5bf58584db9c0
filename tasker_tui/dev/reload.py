"""Notices that templates or handlers were edited."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

SUFFIXES = (".py", ".yaml", ".yml")
DEBOUNCE_MS = 300


class SourceFilter(DefaultFilter):
    """Lets sources through, and neither data beside them nor what tools leave (caches, editors' files)."""

    def __call__(self, change: Change, path: str) -> bool:
        return path.endswith(SUFFIXES) and super().__call__(change, path)


async def changes(places: Sequence[Path]) -> AsyncIterator[list[str]]:
    """The names of the files that were changed together, whenever some were."""
    async for batch in awatch(*places, watch_filter=SourceFilter(), debounce=DEBOUNCE_MS):
        yield sorted({Path(path).name for _, path in batch})
