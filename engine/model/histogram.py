"""Percentiles of durations of which only a histogram is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.model.wire.statistics import DurationFigures


@dataclass(slots=True)
class Histogram:
    """How many durations are at most each of `bounds` (ms, ascending) and above the one before.

    `counts` is by the bound's index; one past the last holds what is longer than all bounds.
    """

    bounds: Sequence[int]
    counts: Counter[int] = field(default_factory=Counter)
    total_ms: int = 0

    def add(self, index: int, items: int, total_ms: int) -> None:
        """Count durations of one bucket, which took so long together."""
        self.counts[index] += items
        self.total_ms += total_ms

    def percentile(self, share: float) -> float:
        """The duration that `share` (0 to 1) of all do not exceed, as if they lay evenly in their bucket.

        Above the last bound it is that bound: at least so long. 0 if there are none.
        """
        wanted, seen = share * self.counts.total(), 0
        for index in sorted(index for index, items in self.counts.items() if items):
            items = self.counts[index]
            low = self.bounds[index - 1] if index else 0
            if index == len(self.bounds):
                return float(low)
            if seen + items >= wanted:
                return low + (self.bounds[index] - low) * (wanted - seen) / items
            seen += items
        return 0.0

    def figures(self) -> DurationFigures | None:
        """Mean and percentiles; None if there are no durations."""
        items = self.counts.total()
        if not items:
            return None
        p50, p95, p99 = (round(self.percentile(share), 1) for share in (0.50, 0.95, 0.99))
        mean = round(self.total_ms / items, 1)
        return DurationFigures(items=items, mean_ms=mean, p50_ms=p50, p95_ms=p95, p99_ms=p99)
