"""How long a step waits before its next attempt: the model that the SQL function is compared with."""

from __future__ import annotations

from typing import Protocol

JITTER = 0.15


class BackoffPolicy(Protocol):
    """What a wait is reckoned from: a template's `Retry`, or a planned step."""

    @property
    def backoff(self) -> str: ...
    @property
    def backoff_base_ms(self) -> int: ...
    @property
    def max_backoff_ms(self) -> int: ...


def backoff_bounds(policy: BackoffPolicy, attempt: int) -> tuple[float, float]:
    """Shortest and longest wait in seconds after attempt number `attempt` (from 1) failed (reference 8.3).

    exponential: base × 2^n, that is 2, 4, 8 … s for a base of 1 s; linear: base × n; fibonacci: base × 1, 2,
    3, 5, 8 …; none: 0. The wait is capped at `max_backoff_ms` first and then spread by 15 % either way, so
    that it may exceed the cap by as much.
    """
    wait = min(policy.backoff_base_ms * _factor(policy.backoff, attempt), policy.max_backoff_ms) / 1000
    return wait * (1 - JITTER), wait * (1 + JITTER)


def _factor(backoff: str, attempt: int) -> int:
    if backoff == "exponential":
        return int(2**attempt)
    if backoff == "linear":
        return attempt
    return _fibonacci(attempt) if backoff == "fibonacci" else 0


def _fibonacci(number: int) -> int:
    previous, current = 1, 1
    for _ in range(number - 1):
        previous, current = current, previous + current
    return current
