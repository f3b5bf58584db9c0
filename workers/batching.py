"""The mixin for handlers of batch processing: analyzers, workers, convergence (reference 8.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from workers.batch_aggregation import (
    BatchAggregationScenario,
    aggregate_batch_results,
    aggregation_result,
)
from workers.batch_types import (
    OUTCOME_KEY,
    BatchAnalyzerOutcome,
    BatchWorkerContext,
    BatchWorkerInputs,
    BatchWorkerOutcome,
    CursorConfig,
    NoBatchesOutcome,
    batches_of,
    cursor_ranges,
    no_op_result,
)
from workers.context import StepContext
from workers.results import StepHandlerResult


@dataclass(slots=True)
class BatchWorkerConfig:
    """One worker's share of a dataset that is cut into a given number of shares."""

    batch_id: str
    cursor_start: int
    cursor_end: int
    row_count: int
    worker_index: int
    total_workers: int

    def to_dict(self) -> dict[str, Any]:
        """The share as plain data."""
        return asdict(self)


class _Analyzing:
    def create_cursor_config(
        self, start: int, end: int, step_size: int = 1, metadata: dict[str, Any] | None = None
    ) -> CursorConfig:
        """Make a cursor over [start, end)."""
        return CursorConfig(start, end, step_size, metadata or {})

    def create_cursor_ranges(
        self, total_items: int, batch_size: int, step_size: int = 1, max_batches: int | None = None
    ) -> list[CursorConfig]:
        """Cut [0, total_items) into cursors of `batch_size`, larger ones to stay within `max_batches`."""
        return cursor_ranges(total_items, batch_size, step_size, max_batches)

    def create_cursor_configs(self, total_items: int, worker_count: int) -> list[BatchWorkerConfig]:
        """Cut [0, total_items) into equal shares, at most `worker_count`. Raises `ValueError` below 1."""
        size = max(-(-total_items // worker_count), 1) if worker_count > 0 else 0
        cursors = cursor_ranges(total_items, size)
        return [
            BatchWorkerConfig(
                f"{index + 1:03d}",
                cursor.start_cursor,
                cursor.end_cursor,
                cursor.end_cursor - cursor.start_cursor,
                index,
                len(cursors),
            )
            for index, cursor in enumerate(cursors)
        ]

    def create_batch_outcome(
        self,
        total_items: int,
        batch_size: int,
        step_size: int = 1,
        batch_metadata: dict[str, Any] | None = None,
    ) -> BatchAnalyzerOutcome:
        """Cut [0, total_items) into an outcome for `batch_analyzer_success`."""
        cursors = cursor_ranges(total_items, batch_size, step_size)
        return BatchAnalyzerOutcome(cursors, total_items, batch_metadata or {})

    def create_batch_outcome_from_ranges(
        self,
        ranges: list[tuple[int, int]],
        step_size: int = 1,
        total_items: int | None = None,
        batch_metadata: dict[str, Any] | None = None,
    ) -> BatchAnalyzerOutcome:
        """Make an outcome of ranges [start, end) of your own."""
        return BatchAnalyzerOutcome.from_ranges(ranges, step_size, total_items, batch_metadata)

    def batch_analyzer_success(
        self,
        outcome: BatchAnalyzerOutcome | None = None,
        metadata: dict[str, Any] | None = None,
        worker_template_name: str = "batch_worker",
        cursor_configs: list[CursorConfig] | None = None,
        total_items: int | None = None,
        batch_metadata: dict[str, Any] | None = None,
    ) -> StepHandlerResult:
        """The analyzer is done: one instance of the step `worker_template_name` for each cursor."""
        found = outcome or BatchAnalyzerOutcome(cursor_configs or [], total_items, batch_metadata or {})
        batches = batches_of(found.cursor_configs, worker_template_name, found.total_items)
        result = {
            OUTCOME_KEY: batches.to_dict(),
            "total_items": found.total_items,
            "batch_metadata": found.batch_metadata,
        }
        return StepHandlerResult.success(result, metadata)

    def no_batches_outcome(self, reason: str, metadata: dict[str, Any] | None = None) -> StepHandlerResult:
        """The analyzer is done: there is nothing to do."""
        result = {OUTCOME_KEY: NoBatchesOutcome().to_dict(), "reason": reason}
        return StepHandlerResult.success(result, metadata)


class _Working:
    def get_batch_worker_inputs(self, context: StepContext) -> BatchWorkerInputs | None:
        """Read the instance's inputs; `None` if the step is no batch."""
        return BatchWorkerInputs.from_step_inputs(context.step_inputs)

    def handle_no_op_worker(self, context: StepContext) -> StepHandlerResult | None:
        """Return the placeholder's result if this is the one that stands for *no batches*, else `None`."""
        return no_op_result(context)

    def get_batch_context(self, context: StepContext) -> BatchWorkerContext | None:
        """Read the worker's share and checkpoint; `None` if the step is no batch."""
        return BatchWorkerContext.from_step_context(context)

    def create_batch_context(
        self,
        cursor_config: CursorConfig,
        batch_index: int,
        total_batches: int,
        batch_metadata: dict[str, Any] | None = None,
    ) -> BatchWorkerContext:
        """Make a share by hand. `batch_index` counts from 0."""
        batch_id = f"{batch_index + 1:03d}"
        return BatchWorkerContext(batch_id, cursor_config, batch_index, total_batches, batch_metadata or {})

    def create_worker_outcome(
        self,
        items_processed: int,
        items_succeeded: int = 0,
        items_failed: int = 0,
        items_skipped: int = 0,
        results: list[dict[str, Any]] | None = None,
        errors: list[dict[str, Any]] | None = None,
        last_cursor: int | None = None,
        batch_metadata: dict[str, Any] | None = None,
    ) -> BatchWorkerOutcome:
        """Say what was done with the items."""
        return BatchWorkerOutcome(
            items_processed, items_succeeded, items_failed, items_skipped,
            results or [], errors or [], last_cursor, batch_metadata or {},
        )  # fmt: skip

    def batch_worker_success(
        self,
        outcome: BatchWorkerOutcome | None = None,
        metadata: dict[str, Any] | None = None,
        items_processed: int | None = None,
        items_succeeded: int | None = None,
        items_failed: int = 0,
        items_skipped: int = 0,
        results: list[dict[str, Any]] | None = None,
        errors: list[dict[str, Any]] | None = None,
        last_cursor: int | None = None,
        batch_metadata: dict[str, Any] | None = None,
    ) -> StepHandlerResult:
        """The batch is done. Without `items_succeeded` it is what was neither failed nor skipped."""
        processed = items_processed or 0
        succeeded = processed - items_failed - items_skipped if items_succeeded is None else items_succeeded
        done = outcome or self.create_worker_outcome(
            processed, succeeded, items_failed, items_skipped, results, errors, last_cursor, batch_metadata
        )
        return StepHandlerResult.success(asdict(done), metadata)

    def batch_worker_partial_failure(
        self, outcome: BatchWorkerOutcome, message: str | None = None, metadata: dict[str, Any] | None = None
    ) -> StepHandlerResult:
        """Some items failed: a retryable failure that keeps what was done in its `result`."""
        said = message or f"{outcome.items_failed} of {outcome.items_processed} items failed"
        failed = StepHandlerResult.failure(said, "batch_partial_failure", True, metadata)
        failed.result = asdict(outcome)
        return failed

    def checkpoint_yield(
        self,
        cursor: int | str | dict[str, Any] | None,
        items_processed: int,
        accumulated_results: dict[str, Any] | None = None,
    ) -> StepHandlerResult:
        """Give control back and ask to be called again from `cursor`; it does not count as an attempt."""
        result = {
            "type": "checkpoint_yield",
            "cursor": cursor,
            "items_processed": items_processed,
            "accumulated_results": accumulated_results,
        }
        return StepHandlerResult.success(result, {"checkpoint_yield": True})


class _Converging:
    def detect_aggregation_scenario(
        self, dependency_results: dict[str, Any], batchable_step_name: str, batch_worker_prefix: str
    ) -> BatchAggregationScenario:
        """Say what is above a convergence step: batches, or none."""
        return BatchAggregationScenario.detect(dependency_results, batchable_step_name, batch_worker_prefix)

    def no_batches_aggregation_result(self, zero_metrics: dict[str, Any] | None = None) -> StepHandlerResult:
        """The convergence step's result when there was nothing to do."""
        return aggregation_result(BatchAggregationScenario(True, {}, {}, 0), zero_metrics, None)

    def aggregate_batch_worker_results(
        self,
        scenario: BatchAggregationScenario,
        zero_metrics: dict[str, Any] | None = None,
        aggregation_fn: Callable[[dict[str, dict[str, Any]]], dict[str, Any]] | None = None,
    ) -> StepHandlerResult:
        """The convergence step's result: `aggregation_fn` of the workers' results by name, or their sums."""
        return aggregation_result(scenario, zero_metrics, aggregation_fn)

    def aggregate_worker_results(self, worker_results: list[dict[str, Any]]) -> dict[str, Any]:
        """Add up what the workers counted."""
        return asdict(aggregate_batch_results(list(worker_results)))


class Batchable(_Analyzing, _Working, _Converging):
    """Adds batch processing to a `StepHandler`."""

    @property
    def batch_capabilities(self) -> list[str]:
        """What the mixin adds to the handler's capabilities."""
        return ["batchable"]
