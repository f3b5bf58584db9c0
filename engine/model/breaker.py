"""Circuit breakers: who fails again and again is left alone for a while (reference, section 4).

A breaker is *closed* while calls go well. `failures` in a row open it: for `open_seconds` no call is made.
Then it is *half open*: calls are made again, `successes` in a row close it, a failure opens it again.

Pure: time is what the clock says, and nothing here waits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeAlias, TypeVar

Errors: TypeAlias = "type[BaseException] | tuple[type[BaseException], ...]"


class BreakerState(StrEnum):
    """As in the reference."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Failures in a row that open, how long it stays open, successes in a row that close."""

    failures: int
    open_seconds: float
    successes: int


DATABASE = Thresholds(failures=5, open_seconds=30.0, successes=2)
MESSAGING = Thresholds(failures=5, open_seconds=30.0, successes=2)
"""Of the broker outside the database, by its connections and what is done with them."""
OUTSIDE = Thresholds(failures=5, open_seconds=15.0, successes=2)
"""Of one receiver of webhooks. The reference calls nobody outside; these are those of its cache."""


FORGOTTEN_AFTER = 10
"""How many `open_seconds` without a report make a BreakerGroup forget one of its breakers."""


class Reading(Protocol):
    """What health and metrics read of a breaker, or of several under one name."""

    name: str

    @property
    def state(self) -> BreakerState: ...

    @property
    def troubled_seconds(self) -> float | None: ...

    @property
    def failures(self) -> int: ...

    @property
    def total_failures(self) -> int: ...

    @property
    def rejections(self) -> int: ...


class CircuitBreaker:
    """One breaker: who wants to call looks at `state`, and reports how each call went.

    A report counts in every state: when somebody who may not be refused (a read, a probe) finds that all is
    well again, nobody has to wait for the rest of `open_seconds`.
    """

    def __init__(
        self, name: str, thresholds: Thresholds, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._total_failures = 0
        self._rejections = 0
        self._thresholds = thresholds
        self._clock = clock
        self._failures = 0
        self._successes = 0
        self._opened_at: float | None = None
        self._troubled_since: float | None = None

    @property
    def state(self) -> BreakerState:
        """Where it is now."""
        if self._opened_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._left() > 0 else BreakerState.HALF_OPEN

    @property
    def troubled_seconds(self) -> float | None:
        """For how long it has not been closed; None while it is."""
        return None if self._troubled_since is None else self._clock() - self._troubled_since

    @property
    def failures(self) -> int:
        """Failures in a row."""
        return self._failures

    @property
    def total_failures(self) -> int:
        """Failures ever."""
        return self._total_failures

    @property
    def rejections(self) -> int:
        """Calls ever that were not made."""
        return self._rejections

    @property
    def retry_after_seconds(self) -> int:
        """Whole seconds until a call is let through; 0 unless it is open."""
        return math.ceil(self._left())

    def failed(self) -> None:
        """A call failed."""
        self._total_failures += 1
        self._failures += 1
        self._successes = 0
        if self.state is BreakerState.HALF_OPEN or (
            self._opened_at is None and self._failures >= self._thresholds.failures
        ):
            self._opened_at = self._clock()
            self._troubled_since = self._opened_at if self._troubled_since is None else self._troubled_since

    def succeeded(self) -> None:
        """A call went well."""
        self._failures = 0
        if self._opened_at is None:
            return
        self._successes += 1
        if self._successes >= self._thresholds.successes:
            self._opened_at = self._troubled_since = None
            self._successes = 0

    def reject(self) -> None:
        """Count a call that is not made."""
        self._rejections += 1

    @contextmanager
    def watch(self, errors: Errors) -> Iterator[None]:
        """Report how a call goes: `errors` are failures, all else answers; cancelled it says nothing."""
        try:
            yield
        except errors:
            self.failed()
            raise
        except Exception:
            self.succeeded()
            raise
        else:
            self.succeeded()

    def _left(self) -> float:
        if self._opened_at is None:
            return 0.0
        return max(0.0, self._opened_at + self._thresholds.open_seconds - self._clock())


Key = TypeVar("Key", bound=Hashable)


class BreakerGroup(Generic[Key]):
    """A breaker for each of many, such as receivers of webhooks.

    Those that do well are not kept, nor those of which nothing was heard for long: they may be gone.
    """

    def __init__(
        self, name: str, thresholds: Thresholds, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self.total_failures = 0
        self.rejections = 0
        self._thresholds = thresholds
        self._clock = clock
        self._breakers: dict[Key, CircuitBreaker] = {}
        self._reported_at: dict[Key, float] = {}

    @property
    def state(self) -> BreakerState:
        """The worst of all."""
        found = {one.state for one in self._breakers.values()}
        worst_first = (BreakerState.OPEN, BreakerState.HALF_OPEN)
        return next((state for state in worst_first if state in found), BreakerState.CLOSED)

    @property
    def troubled_seconds(self) -> float | None:
        """Of the one that has not been closed for longest; None while all are."""
        found = [one.troubled_seconds for one in self._breakers.values()]
        return max((seconds for seconds in found if seconds is not None), default=None)

    @property
    def failures(self) -> int:
        """The most failures in a row."""
        return max((one.failures for one in self._breakers.values()), default=0)

    def report(self, key: Key, *, good: bool) -> None:
        """A call of one of them went well, or failed."""
        if good and key not in self._breakers:
            return
        one = self._breakers.setdefault(key, CircuitBreaker(self.name, self._thresholds, self._clock))
        self._reported_at[key] = self._clock()
        if not good:
            self.total_failures += 1
            one.failed()
            return
        one.succeeded()
        if one.state is BreakerState.CLOSED:
            self._forget(key)

    def blocked(self) -> list[Key]:
        """Those that are not to be called now; forgets those of which nothing was heard for long."""
        before = self._clock() - FORGOTTEN_AFTER * self._thresholds.open_seconds
        for key in [key for key, at in self._reported_at.items() if at < before]:
            self._forget(key)
        return [key for key, one in self._breakers.items() if one.state is BreakerState.OPEN]

    def _forget(self, key: Key) -> None:
        del self._breakers[key], self._reported_at[key]
