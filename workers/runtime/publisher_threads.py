"""Publishers' hooks run here: in threads, each call within a time limit, so that none holds up a worker."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeAlias

PUBLISH_SECONDS = 2.0
"""How long a publisher may take for an event, and hold up its step's result."""


_Outcome: TypeAlias = tuple[Any, Exception | None]


class PublisherHangs(Exception):
    """A publisher did not return in time, or has not yet from an earlier event."""


class PublisherThreads:
    """A thread a call. A publisher that hangs is not called again until it has returned."""

    def __init__(self) -> None:
        self._hanging: Counter[str] = Counter()

    async def run(self, publisher: str, call: Callable[[], Any]) -> Any:
        """Return what the call returns, or raise what it raises; raises `PublisherHangs`."""
        if self._hanging[publisher]:
            raise PublisherHangs("the publisher has not returned from an earlier event")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_Outcome] = loop.create_future()
        context = contextvars.copy_context()

        def body() -> None:
            outcome: _Outcome
            try:
                outcome = context.run(call), None
            except Exception as error:
                outcome = None, error
            except BaseException as error:  # such as SystemExit: it ends a thread, and no worker
                outcome = None, RuntimeError(f"{type(error).__name__}: {error}")
            if not loop.is_closed():
                loop.call_soon_threadsafe(answer.set_result, outcome)

        threading.Thread(target=body, name="publisher", daemon=True).start()
        done, _ = await asyncio.wait({answer}, timeout=PUBLISH_SECONDS)
        if not done:
            self._hanging[publisher] += 1
            answer.add_done_callback(lambda _: self._hanging.subtract([publisher]))
            raise PublisherHangs(f"the publisher did not return within {PUBLISH_SECONDS:g} s")
        value, error = answer.result()
        if error is not None:
            raise error
        return value
