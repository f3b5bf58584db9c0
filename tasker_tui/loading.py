"""One thing that is loaded again and again, for as long as an answer may take."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode
from textual.worker import Worker


class Loading:
    """Runs `load` in a worker of its owner, one at a time.

    What is asked for while it is loading is loaded once more afterwards. A load is never cancelled for a
    newer one: an answer that takes longer than the time between two questions would never be seen.
    """

    def __init__(self, owner: DOMNode, load: Callable[[], Coroutine[Any, Any, None]], group: str) -> None:
        self._owner, self._load, self._group = owner, load, group
        self._worker: Worker[None] | None = None
        self._again = False

    def ask(self) -> None:
        """Load now, or once more when what is loading has ended."""
        self._again = True
        if self._worker is None or self._worker.is_finished:
            self._worker = self._owner.run_worker(self._run(), group=self._group)

    async def _run(self) -> None:
        while self._again:
            self._again = False
            await self._load()
