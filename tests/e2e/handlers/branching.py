"""Decisions and analyzers that do what the task's context says, right or wrong."""

from __future__ import annotations

from typing import Any

from workers import (
    Batchable,
    CursorConfig,
    Decision,
    PermanentError,
    RetryableError,
    StepContext,
    StepHandler,
    StepHandlerResult,
    ValidationError,
    decision_handler,
    step_handler,
)


@step_handler("e2e.amount")
async def amount(context: StepContext) -> dict[str, Any]:
    """Without defaults, unlike the bundled example."""
    missing = [key for key in ("amount", "requester") if context.get_input(key) is None]
    if missing:
        raise ValidationError(f"the request lacks {' and '.join(missing)}")
    return {"amount": context.get_input("amount")}


@decision_handler("e2e.decide")
async def decide(context: StepContext) -> Decision | dict[str, Any]:
    """`{"route": {"<step>": ["a", "b"]}}`; no names skip all branches, an object is returned as it is."""
    order = context.get_input_or("route", {}).get(context.step_name, [])
    if isinstance(order, dict):
        return order
    return Decision.route(order) if order else Decision.skip("the test wants none")


class Analyze(StepHandler, Batchable):
    """Cuts `size` items into batches of a thousand, at most ten; too few are no batch at all."""

    handler_name = "e2e.batch.analyze"

    def call(self, context: StepContext) -> StepHandlerResult:
        size, least = context.get_input("size"), context.get_config("least")
        if size < least:
            return self.no_batches_outcome(f"{size} items are not worth a batch")
        cursors: list[CursorConfig] = self.create_cursor_ranges(size, 1000, max_batches=10)
        return self.batch_analyzer_success(
            worker_template_name="work", cursor_configs=cursors, total_items=size
        )


class Work(StepHandler, Batchable):
    """Counts its items, in portions of `portion` if the context names one.

    `stumble` is the item before which its first attempt fails, after the checkpoints up to there.
    """

    handler_name = "e2e.batch.work"

    def call(self, context: StepContext) -> StepHandlerResult:
        if (nothing := self.handle_no_op_worker(context)) is not None:
            return nothing
        share = self.get_batch_context(context)
        if share is None:
            raise PermanentError("this step is no worker of a batch")
        begin = context.checkpoint_cursor or share.start_cursor
        end = min(begin + context.get_input_or("portion", share.end_cursor), share.end_cursor)
        print(f"attempt {context.attempt}: {begin} to {end}")
        if context.get_input("stumble") == begin and not context.is_retry():
            raise RetryableError(f"item {begin} is locked")
        done = end - share.start_cursor
        if end < share.end_cursor:
            return self.checkpoint_yield(end, done, {"resumed_from": end if context.is_retry() else 0})
        return self.batch_worker_success(items_processed=done, batch_metadata={"resumed_from": begin})


class Gather(StepHandler, Batchable):
    """Adds up what the workers did."""

    handler_name = "e2e.batch.gather"

    def call(self, context: StepContext) -> StepHandlerResult:
        scenario = self.detect_aggregation_scenario(context.dependency_results, "analyze", "work_")
        return self.aggregate_batch_worker_results(scenario, {"total_processed": 0})
