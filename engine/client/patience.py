"""When a call that the server was too busy for is made again."""

from __future__ import annotations

import random

from engine.client.errors import ApiError

PATIENCE_SECONDS = 60.0
UNTOUCHED = frozenset({"BACKPRESSURE", "CIRCUIT_BREAKER_OPEN"})
"""Refusals at the door: nothing was done, so that every call may be made again."""

SPREAD = 0.2


class Waits:
    """The waits of one call. What was refused is asked for again after what Retry-After says, and a little
    more, so that not all who were refused come back at once."""

    def __init__(self, method: str, patience: float) -> None:
        self._reads = method == "GET"
        self._left = patience

    def before_next(self, error: ApiError) -> float:
        """Seconds to wait; raises the error where another call would be too late, or could do harm."""
        after = error.details.get("retry_after_seconds")
        safe = self._reads or error.code in UNTOUCHED
        if error.status != 503 or not safe or not isinstance(after, int | float) or after > self._left:
            raise error
        wait = after * random.uniform(1.0, 1.0 + SPREAD)
        # A server that says 0 is not asked for ever either.
        self._left -= max(wait, 1.0)
        return wait
