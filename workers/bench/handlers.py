"""The steps of the bench: no work as `async def` and as `def`, a decision and a batch of both kinds, a larger
result, a wait, and a slot that is kept."""

from __future__ import annotations

import asyncio
from typing import Any

from workers import (
    BatchConfig,
    BatchWorkerContext,
    Decision,
    StepContext,
    batch_analyzer,
    batch_worker,
    decision_handler,
    inputs,
    step_handler,
)

KIBIBYTE = "x" * 1000
MANAGER_FROM, FINANCE_FROM = 1000, 5000
ROWS = BatchConfig(total_items=1000, batch_size=200)


@step_handler("bench.async")
@inputs("n")
async def asynchronous(n: int = 0) -> dict[str, Any]:
    return {"value": n}


@step_handler("bench.def")
@inputs("n")
def synchronous(n: int = 0) -> dict[str, Any]:
    return {"value": n}


@decision_handler("bench.async.route")
@inputs("n")
async def route_async(n: int = 0) -> Decision:
    return _route(n)


@decision_handler("bench.def.route")
@inputs("n")
def route_def(n: int = 0) -> Decision:
    return _route(n)


def _route(amount: int) -> Decision:
    if amount < MANAGER_FROM:
        return Decision.route(["approve"])
    return Decision.route(["ask_manager"] if amount < FINANCE_FROM else ["ask_manager", "ask_finance"])


@batch_analyzer("bench.async.analyze", worker_template="process")
async def analyze_async() -> BatchConfig:
    return ROWS


@batch_analyzer("bench.def.analyze", worker_template="process")
def analyze_def() -> BatchConfig:
    return ROWS


@batch_worker("bench.async.process")
async def process_async(batch_context: BatchWorkerContext) -> dict[str, Any]:
    return _processed(batch_context)


@batch_worker("bench.def.process")
def process_def(batch_context: BatchWorkerContext) -> dict[str, Any]:
    return _processed(batch_context)


def _processed(batch: BatchWorkerContext) -> dict[str, Any]:
    return {"items_processed": batch.end_cursor - batch.start_cursor}


@step_handler("bench.kibibyte")
async def kibibyte() -> dict[str, Any]:
    """A result of about 1 KiB."""
    return {"text": KIBIBYTE}


@step_handler("bench.wait")
async def wait() -> dict[str, Any]:
    """As a step that calls something else, which takes 100 ms."""
    await asyncio.sleep(0.1)
    return {}


@step_handler("bench.occupy")
async def occupy(context: StepContext) -> dict[str, Any]:
    """Keep a slot until the step is taken away."""
    await context.cancelled.wait_async()
    return {}
