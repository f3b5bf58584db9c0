"""What a worker counts, and how Prometheus and people read it (reference 8.6).

Counted are plain numbers, by the main loop alone: the families of Prometheus are made of them when somebody
asks, so that a step costs well under a microsecond.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from engine.messaging.taker import MessageOutcome

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper ends in seconds."""


class Durations:
    """A histogram of seconds."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds

    @property
    def count(self) -> int:
        """How many were counted."""
        return sum(self.counts)

    def buckets(self) -> list[tuple[str, float]]:
        """As Prometheus wants them: each counts all that are not above it."""
        ends = [*map(str, BUCKETS), "+Inf"]
        return list(zip(ends, map(float, accumulate(self.counts)), strict=True))

    def summary(self) -> dict[str, Any]:
        """For people."""
        mean = self.total / self.count * 1000 if self.count else 0.0
        return {"count": self.count, "mean_ms": round(mean, 3)}


@dataclass(slots=True)
class NamespaceCounts:
    """Of the steps of one namespace. `executed` is succeeded plus failed; `retried` were second or later
    attempts; `claimed` counts hand-overs too."""

    claimed: int = 0
    succeeded: int = 0
    failed: int = 0
    retried: int = 0
    durations: Durations = field(default_factory=Durations)

    @property
    def executed(self) -> int:
        """Attempts whose result was reported."""
        return self.succeeded + self.failed


class WorkerMetrics:
    """The counts of one worker since its start."""

    def __init__(self) -> None:
        self.namespaces: dict[str, NamespaceCounts] = defaultdict(NamespaceCounts)
        self.claims = Durations()
        self.submits = Durations()
        self.submitted = 0
        self.refused = 0
        self.messages: Counter[MessageOutcome] = Counter()

    def claimed(self, namespace: str) -> None:
        """A step was claimed or handed over."""
        self.namespaces[namespace].claimed += 1

    def executed(self, namespace: str, success: bool, seconds: float, attempt: int) -> None:
        """An attempt has a result."""
        counts = self.namespaces[namespace]
        if success:
            counts.succeeded += 1
        else:
            counts.failed += 1
        counts.retried += attempt > 1
        counts.durations.observe(seconds)

    def claim_answered(self, seconds: float) -> None:
        """A claim was answered."""
        self.claims.observe(seconds)

    def submit_answered(self, results: int, refused: int, seconds: float) -> None:
        """A submit was answered."""
        self.submitted += results
        self.refused += refused
        self.submits.observe(seconds)

    def collect(self) -> Iterator[Metric]:
        """The families of Prometheus."""
        for name, help_text, attribute in (
            ("tasker_steps_claimed", "Steps that were claimed or handed over.", "claimed"),
            ("tasker_steps_executions", "Attempts that were executed.", "executed"),
            ("tasker_steps_successes", "Attempts that succeeded.", "succeeded"),
            ("tasker_steps_failures", "Attempts that failed.", "failed"),
            ("tasker_steps_retries", "Executed attempts that were not a step's first.", "retried"),
        ):
            family = CounterMetricFamily(name, help_text, labels=("namespace",))
            for namespace, counts in self.namespaces.items():
                family.add_metric((namespace,), getattr(counts, attribute))
            yield family
        yield CounterMetricFamily("tasker_steps_results_submitted", "Results that were sent.", self.submitted)
        yield CounterMetricFamily("tasker_steps_results_refused", "Results that came too late.", self.refused)
        messages = CounterMetricFamily(
            "tasker_worker_messages",
            "Messages of an outside broker by what became of them.",
            labels=("outcome",),
        )
        for outcome, number in self.messages.items():
            messages.add_metric((outcome,), number)
        yield messages
        execution = HistogramMetricFamily(
            "tasker_step_execution_duration_seconds", "How long handlers ran.", labels=("namespace",)
        )
        for namespace, counts in self.namespaces.items():
            execution.add_metric((namespace,), counts.durations.buckets(), counts.durations.total)
        yield execution
        yield _histogram("tasker_step_claim_duration_seconds", "How long claims took.", self.claims)
        yield _histogram(
            "tasker_step_result_submission_duration_seconds", "How long submits took.", self.submits
        )

    def as_json(self) -> dict[str, Any]:
        """The same for people and scripts."""
        return {
            "steps": {
                namespace: {
                    "claimed": counts.claimed,
                    "executed": counts.executed,
                    "succeeded": counts.succeeded,
                    "failed": counts.failed,
                    "retried": counts.retried,
                    "execution": counts.durations.summary(),
                }
                for namespace, counts in self.namespaces.items()
            },
            "results_submitted": self.submitted,
            "results_refused": self.refused,
            "messages": dict(self.messages),
            "claims": self.claims.summary(),
            "submits": self.submits.summary(),
        }


def gauge(name: str, help_text: str, value: float) -> Metric:
    """A family of one number that goes up and down."""
    return GaugeMetricFamily(name, help_text, value)


def info(name: str, help_text: str, **labels: str) -> Metric:
    """A family that says what something is."""
    return InfoMetricFamily(name, help_text, labels)


def _histogram(name: str, help_text: str, durations: Durations) -> Metric:
    return HistogramMetricFamily(name, help_text, buckets=durations.buckets(), sum_value=durations.total)
