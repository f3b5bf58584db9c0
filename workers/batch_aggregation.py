"""Putting the results of a batch's workers together again (reference 8.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from workers.batch_types import OUTCOME_KEY
from workers.results import StepHandlerResult


@dataclass(slots=True, kw_only=True)
class BatchAggregationResult:
    """Sums over all workers. `success_rate` is from 0 to 1; `errors` are the first of `error_count`."""

    total_processed: int
    total_succeeded: int
    total_failed: int
    total_skipped: int
    batch_count: int
    success_rate: float
    errors: list[dict[str, Any]] = field(default_factory=list)
    error_count: int


@dataclass(slots=True)
class BatchAggregationScenario:
    """What a convergence step finds above it: batches, or none."""

    is_no_batches: bool
    batchable_result: dict[str, Any]
    batch_results: dict[str, dict[str, Any]]
    worker_count: int

    @classmethod
    def detect(
        cls, dependency_results: dict[str, Any], batchable_step_name: str, batch_worker_prefix: str
    ) -> BatchAggregationScenario:
        """Read it from a context's `dependency_results`; placeholders do not count as workers."""
        batchable = _own_data(dependency_results.get(batchable_step_name))
        names = sorted(name for name in dependency_results if name.startswith(batch_worker_prefix))
        found = {name: _own_data(dependency_results[name]) for name in names}
        workers = {name: data for name, data in found.items() if not data.get("no_op")}
        outcome = batchable.get(OUTCOME_KEY) or {}
        none = outcome.get("type") == "no_batches" or not workers
        return cls(none, batchable, {} if none else workers, 0 if none else len(workers))

    def no_batches(self) -> bool:
        """Say whether there was nothing to do."""
        return self.is_no_batches


def aggregate_batch_results(
    worker_results: list[dict[str, Any] | None], max_errors: int = 100
) -> BatchAggregationResult:
    """Add up what the workers counted; a worker without a result counts as nothing."""
    present = [result for result in worker_results if result is not None]
    errors = [error for result in present for error in result.get("errors") or []]
    processed = sum(int(result.get("items_processed") or 0) for result in present)
    succeeded = sum(int(result.get("items_succeeded") or 0) for result in present)
    return BatchAggregationResult(
        total_processed=processed,
        total_succeeded=succeeded,
        total_failed=sum(int(result.get("items_failed") or 0) for result in present),
        total_skipped=sum(int(result.get("items_skipped") or 0) for result in present),
        batch_count=len(present),
        success_rate=succeeded / processed if processed else 0.0,
        errors=errors[:max_errors],
        error_count=len(errors),
    )


def aggregation_result(
    scenario: BatchAggregationScenario,
    zero_metrics: dict[str, Any] | None,
    aggregation_fn: Callable[[dict[str, dict[str, Any]]], dict[str, Any]] | None,
) -> StepHandlerResult:
    """The convergence step's result: `aggregation_fn` of the workers' results by name, or their sums."""
    if scenario.is_no_batches:
        return StepHandlerResult.success({**(zero_metrics or {}), "worker_count": 0, "no_batches": True})
    if aggregation_fn is not None:
        totals = aggregation_fn(scenario.batch_results)
    else:
        totals = asdict(aggregate_batch_results(list(scenario.batch_results.values())))
    return StepHandlerResult.success({**totals, "worker_count": scenario.worker_count})


def _own_data(stored: Any) -> dict[str, Any]:
    """A step's own data, out of its stored execution result or handed over as it is."""
    if not isinstance(stored, dict):
        return {}
    inner = stored.get("result")
    if isinstance(inner, dict):
        return inner
    return {} if "result" in stored else stored
