"""The one shape of a background loop: look, sleep until a time or a wake-up, look again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from engine.background import told_to_end
from engine.store.pool import PASSING, retry_deadlock

log = logging.getLogger("tasker.orchestration")

FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0


class Loop:
    """Calls `look` again and again.

    `look` returns the seconds after which it wants to be called again at the latest; `wake` calls it at
    once. An error never ends the loop: it is logged, and the next call waits a little longer each time.
    """

    def __init__(self, name: str, look: Callable[[], Awaitable[float]]) -> None:
        self.name = name
        self._look = look
        self._woken = asyncio.Event()
        self.failures = 0
        """Calls that failed in a row; 0 means healthy."""

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    async def run(self) -> None:
        """Loop until cancelled."""
        while True:
            self._woken.clear()
            try:
                wait = await retry_deadlock(self._look)
                self.failures = 0
            except PASSING as error:
                wait = self._after_failure()
                log.warning(
                    "%s: the database can't answer (%s); trying again in %.1f s", self.name, error, wait
                )
            except (Exception, asyncio.CancelledError):
                if told_to_end():
                    raise
                wait = self._after_failure()
                log.exception("%s failed; trying again in %.1f s", self.name, wait)
            if self.failures:
                await asyncio.sleep(wait)
            else:
                await self._sleep(wait)

    async def _sleep(self, seconds: float) -> None:
        if seconds <= 0 or self._woken.is_set():
            return
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    def _after_failure(self) -> float:
        self.failures += 1
        return min(FIRST_WAIT * 2.0 ** (self.failures - 1), LONGEST_WAIT)
