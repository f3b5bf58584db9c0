"""The arithmetic of the bench: percentiles and medians, pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


def percentile(sorted_values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of all values do not exceed (nearest rank).

    Expects ascending values, at least one, and 0 < percent <= 100.
    """
    rank = -(-len(sorted_values) * percent // 100)
    return sorted_values[max(int(rank), 1) - 1]


@dataclass(frozen=True, slots=True)
class Distribution:
    """How values spread; in the unit of the values."""

    count: int
    p50: float
    p95: float
    p99: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Distribution:
        """Of at least one value."""
        ordered = sorted(values)
        p50, p95, p99 = (percentile(ordered, percent) for percent in (50, 95, 99))
        return cls(len(ordered), p50, p95, p99, ordered[-1])


@dataclass(frozen=True, slots=True)
class Repeated:
    """One figure measured several times: `spread` is what lies between lowest and highest, as a share of the
    median."""

    median: float
    runs: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Repeated:
        """Of at least one run."""
        return cls(median(values), tuple(values))

    @property
    def spread(self) -> float:
        """0 for equal runs; a shared machine easily gives 0.2."""
        return (max(self.runs) - min(self.runs)) / self.median if self.median else 0.0


def ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """The second figure as a share of the first: the median over pairs, each measured one after the other.

    The machine's speed drifts, so figures are compared with their neighbour and not across the whole run.
    """
    return median(second / first for first, second in pairs)
