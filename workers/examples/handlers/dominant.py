"""A diamond, a decision on what came out of it, and a batch for the larger half."""

from __future__ import annotations

from typing import Any

from workers import (
    BatchConfig,
    BatchWorkerContext,
    Decision,
    StepContext,
    batch_analyzer,
    batch_worker,
    decision_handler,
    depends_on,
    step_handler,
)

DEFAULT_NUMBERS = list(range(1, 11))
BATCH_SIZE = 2


@step_handler("example.dominant.start")
def start(context: StepContext) -> dict[str, Any]:
    return {"numbers": context.get_input_or("numbers", DEFAULT_NUMBERS)}


@step_handler("example.dominant.evens")
@depends_on(begun="start")
def evens(begun: dict[str, Any]) -> dict[str, Any]:
    return {"numbers": [number for number in begun["numbers"] if number % 2 == 0]}


@step_handler("example.dominant.odds")
@depends_on(begun="start")
def odds(begun: dict[str, Any]) -> dict[str, Any]:
    return {"numbers": [number for number in begun["numbers"] if number % 2]}


@decision_handler("example.dominant.route")
@depends_on(even="find_evens", odd="find_odds")
def route(even: dict[str, Any], odd: dict[str, Any]) -> Decision:
    """The larger half is worked through, the even one if there are as many."""
    counts = {"evens": len(even["numbers"]), "odds": len(odd["numbers"])}
    wins = "analyze_evens" if counts["evens"] >= counts["odds"] else "analyze_odds"
    return Decision.route([wins], **counts)


@batch_analyzer("example.dominant.analyze_evens", worker_template="square_evens")
@depends_on(found="find_evens")
def analyze_evens(found: dict[str, Any]) -> BatchConfig:
    return BatchConfig(len(found["numbers"]), BATCH_SIZE)


@batch_analyzer("example.dominant.analyze_odds", worker_template="square_odds")
@depends_on(found="find_odds")
def analyze_odds(found: dict[str, Any]) -> BatchConfig:
    return BatchConfig(len(found["numbers"]), BATCH_SIZE)


@batch_worker("example.dominant.square")
def square(context: StepContext, batch_context: BatchWorkerContext) -> dict[str, Any]:
    """Square a batch's share of the numbers that the step named in the settings has found."""
    numbers = context.get_dependency_field(context.get_config("numbers_of"), "numbers")
    share = numbers[batch_context.start_cursor : batch_context.end_cursor]
    return {"items_processed": len(share), "sum": sum(number * number for number in share)}


@step_handler("example.dominant.sum_up")
def sum_up(context: StepContext) -> dict[str, Any]:
    batches = context.get_all_dependency_results(f"{context.get_config('workers')}_")
    return {
        "batches": sum(1 for batch in batches if not batch.get("no_op")),
        "items": sum(batch["items_processed"] for batch in batches),
        "sum": sum(batch.get("sum", 0) for batch in batches),
    }
