"""Tasks of the event loop that run until they are told to end, and nothing else ends them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

log = logging.getLogger("tasker.background")

AGAIN_SECONDS = 1.0
PATIENCE_SECONDS = 5.0
"""What is told to end closes its connections first, which takes two seconds where nobody answers."""


def told_to_end() -> bool:
    """Whether somebody cancels the current task: a library may raise CancelledError where nobody does."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Background:
    """Keeps what is started running until `stop`; what ends before is logged, counted and begun again."""

    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()
        """How often each has ended by itself, by its name."""
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def told(self) -> str:
        """What has ended by itself, in words for an operator; empty if nothing has."""
        return ", ".join(f"{name} ended and was begun again {count}×" for name, count in self.ended.items())

    def start(self, name: str, body: Callable[[], Awaitable[None]]) -> None:
        """Run a body that has no end of its own."""
        self._tasks.append(asyncio.create_task(self._keep(name, body), name=name))

    async def stop(self, patience: float = PATIENCE_SECONDS) -> None:
        """End all; who has not ended after so many seconds is told again.

        Until Python 3.12 `asyncio.wait_for`, which libraries use, loses a cancellation that comes along with
        the answer (python/cpython#86296); what waited for that answer would then go on for ever.
        """
        left = set(self._tasks)
        while left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=patience)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, name: str, body: Callable[[], Awaitable[None]]) -> None:
        while True:
            problem: BaseException | None = None
            try:
                await body()
            except (Exception, asyncio.CancelledError) as error:
                if told_to_end():
                    raise
                problem = error
            self.ended[name] += 1
            log.error("%s ended without having been told to; beginning it again", name, exc_info=problem)
            await asyncio.sleep(AGAIN_SECONDS)
