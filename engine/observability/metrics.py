"""Prometheus text: counters of the whole system from the database, and this process's own (reference 8.6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
HTTP_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

Hop = tuple[str, str, str, str, str, int]
"""namespace, template, entity ('task' or 'step'), from_state ('' for a creation), to_state, how often."""

Duration = tuple[str, str, str, int | None, int, int]
"""namespace, template, entity, upper bound in ms (None: no bound), how many, their sum in ms."""

Labelled = tuple[str, str, str, str]
"""name, help, label ('' for none), the label's value."""


@dataclass(frozen=True, slots=True)
class SystemFigures:
    """What a scrape reads from the database, and this process's own."""

    hops: Sequence[Hop]
    durations: Sequence[Duration]
    bounds_ms: Sequence[int]
    gauges: Mapping[Labelled, float]
    counters: Mapping[Labelled, float] = field(default_factory=dict)


class HttpMetrics:
    """How long this process takes to answer, by route."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._durations = Histogram(
            "tasker_http_request_duration_seconds",
            "Time from a request to the end of its answer",
            ("method", "route", "status"),
            buckets=HTTP_BUCKETS,
            registry=self.registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer; `route` is the route's pattern, never the path with its ids."""
        self._durations.labels(method, route, str(status)).observe(seconds)


def render(figures: SystemFigures, http: HttpMetrics) -> bytes:
    """Everything in Prometheus' text format."""
    registry = CollectorRegistry()
    found = [
        *_counters(figures.hops),
        *_histograms(figures),
        *_labelled(CounterMetricFamily, figures.counters),
        *_labelled(GaugeMetricFamily, figures.gauges),
    ]
    registry.register(_Collected(found))
    return generate_latest(registry) + generate_latest(http.registry)


class _Collected:
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


_FAILED_TASK = {"blocked_by_failures", "error"}


def _task_counter(hop: Hop) -> str | None:
    source, target = hop[3], hop[4]
    if source == "":
        return "created"
    # A blocked task that is given up has failed already.
    if target in _FAILED_TASK and source not in _FAILED_TASK:
        return "failed"
    return {"complete": "completed", "cancelled": "cancelled", "resolved_manually": "resolved"}.get(target)


def _step_counters(hop: Hop) -> list[str]:
    source, target = hop[3], hop[4]
    found = []
    if target == "in_progress":
        found.append("executed")
    if target == "enqueued_for_orchestration":
        found.append("succeeded")
    if target == "enqueued_as_error_for_orchestration" or (source, target) == ("in_progress", "error"):
        found.append("failed")
    if target == "waiting_for_retry":
        found.append("retried")
    return found


_HELP = {
    ("task", "created"): "Tasks created",
    ("task", "completed"): "Tasks that completed",
    ("task", "failed"): "Tasks that failed: no step of theirs could run any more",
    ("task", "cancelled"): "Tasks cancelled",
    ("task", "resolved"): "Tasks resolved by hand",
    ("step", "executed"): "Attempts that a worker began",
    ("step", "succeeded"): "Attempts that succeeded",
    ("step", "failed"): "Attempts that failed",
    ("step", "retried"): "Attempts after which the step waits for another one",
}


def _counters(hops: Sequence[Hop]) -> Iterator[Metric]:
    for entity in ("task", "step"):
        yield _transitions(entity, [hop for hop in hops if hop[2] == entity])
    for (entity, name), text in _HELP.items():
        family = CounterMetricFamily(f"tasker_{entity}s_{name}", text, labels=("namespace", "template"))
        for labels, count in _summed(hops, entity, name).items():
            family.add_metric(labels, count)
        yield family


def _summed(hops: Sequence[Hop], entity: str, name: str) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = {}
    for hop in hops:
        if hop[2] != entity:
            continue
        labels = (hop[0], hop[1])
        sums.setdefault(labels, 0)
        if name in (_step_counters(hop) if entity == "step" else [_task_counter(hop)]):
            sums[labels] += hop[5]
    return sums


def _transitions(entity: str, hops: Iterable[Hop]) -> Metric:
    family = CounterMetricFamily(
        f"tasker_{entity}_state_transitions",
        f"Changes of a {entity}'s state; a creation comes from no state",
        labels=("from_state", "to_state"),
    )
    sums: dict[tuple[str, str], int] = {}
    for *_, source, target, count in hops:
        sums[source, target] = sums.get((source, target), 0) + count
    for labels, count in sums.items():
        family.add_metric(labels, count)
    return family


def _histograms(figures: SystemFigures) -> Iterator[Metric]:
    yield _histogram(
        figures, "task", "tasker_task_duration_seconds", "From a task's creation to its completion"
    )
    yield _histogram(figures, "step", "tasker_step_execution_duration_seconds", "Time a handler took")


def _histogram(figures: SystemFigures, entity: str, name: str, text: str) -> Metric:
    family = HistogramMetricFamily(name, text, labels=("namespace", "template"))
    by_template: dict[tuple[str, str], dict[int | None, int]] = {}
    sums: dict[tuple[str, str], int] = {}
    for namespace, template, of, bound, items, total_ms in figures.durations:
        if of == entity:
            labels = (namespace, template)
            by_template.setdefault(labels, {})[bound] = items
            sums[labels] = sums.get(labels, 0) + total_ms
    for labels, items_by_bound in by_template.items():
        buckets, below = [], 0
        for bound in figures.bounds_ms:
            below += items_by_bound.get(bound, 0)
            buckets.append((str(bound / 1000), float(below)))
        buckets.append(("+Inf", float(below + items_by_bound.get(None, 0))))
        family.add_metric(labels, buckets, sum_value=sums[labels] / 1000)
    return family


def _labelled(
    kind: type[CounterMetricFamily] | type[GaugeMetricFamily], figures: Mapping[Labelled, float]
) -> Iterator[Metric]:
    families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
    for (name, text, label, value), number in figures.items():
        family = families.setdefault(name, kind(name, text, labels=(label,) if label else ()))
        family.add_metric((value,) if label else (), number)
    yield from families.values()
