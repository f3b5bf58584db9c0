"""Long work in portions: after each one the step says how far it is, and a retry goes on from there."""

from __future__ import annotations

from typing import Any

from workers import (
    Batchable,
    BatchConfig,
    PermanentError,
    RetryableError,
    StepContext,
    StepHandler,
    StepHandlerResult,
    batch_analyzer,
    step_handler,
)

DEFAULT_ITEMS = 100
DEFAULT_PORTION = 25


@batch_analyzer("example.checkpoints.analyze", worker_template="process_items")
def analyze(context: StepContext) -> BatchConfig:
    """One worker for all of the items."""
    items = context.get_input_or("items", DEFAULT_ITEMS)
    return BatchConfig(items, max(items, 1))


class ItemWorker(StepHandler, Batchable):
    """Adds its items up, and yields after every portion.

    `fail_at` is the item at which it fails: for good, or once (`failure`: none, transient, permanent).
    """

    handler_name = "example.checkpoints.process"

    def call(self, context: StepContext) -> StepHandlerResult:
        nothing_to_do = self.handle_no_op_worker(context)
        share = self.get_batch_context(context)
        if nothing_to_do is not None or share is None:
            return nothing_to_do or self.failure("this step is no worker of a batch", retryable=False)
        begin = context.checkpoint_cursor or share.start_cursor
        end = min(begin + context.get_input_or("portion", DEFAULT_PORTION), share.end_cursor)
        so_far = context.accumulated_results or {"sum": 0, "items_in_attempt": {}}
        attempt = str(context.attempt)
        for item in range(begin, end):
            _fail_if_told_to(context, item)
            so_far["sum"] += item
            so_far["items_in_attempt"][attempt] = so_far["items_in_attempt"].get(attempt, 0) + 1
        if end < share.end_cursor:
            return self.checkpoint_yield(end, end - share.start_cursor, so_far)
        return self.success(
            {
                **so_far,
                "items_processed": end - share.start_cursor,
                "resumed_from": begin,
                "checkpoints": len((context.checkpoint or {}).get("history", [])),
            }
        )


@step_handler("example.checkpoints.aggregate")
def aggregate(context: StepContext) -> dict[str, Any]:
    batches = context.get_all_dependency_results("process_items_")
    return {
        "total_processed": sum(batch["items_processed"] for batch in batches),
        "sum": sum(batch.get("sum", 0) for batch in batches),
        "checkpoints": sum(batch.get("checkpoints", 0) for batch in batches),
    }


def _fail_if_told_to(context: StepContext, item: int) -> None:
    if item != context.get_input_or("fail_at", 60):
        return
    failure = context.get_input_or("failure", "none")
    if failure == "permanent":
        raise PermanentError(f"item {item} cannot be read", error_code="BROKEN_ITEM")
    if failure == "transient" and context.attempt == 1:
        raise RetryableError(f"item {item} is locked at the moment", error_code="LOCKED_ITEM")
