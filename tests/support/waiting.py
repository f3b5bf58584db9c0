"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.01


async def until(condition: Callable[[], Awaitable[T]], what: str, timeout: float = 30.0) -> T:
    """Ask again and again until the answer is true, and return it; fail after `timeout` seconds.

    `what` says in the failure what did not happen.
    """
    deadline = time.monotonic() + timeout
    while not (answer := await condition()):
        assert time.monotonic() < deadline, f"within {timeout:.0f} s it did not happen that {what}"
        await asyncio.sleep(POLL_SECONDS)
    return answer
