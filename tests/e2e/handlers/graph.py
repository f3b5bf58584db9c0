"""One handler for every shape of graph: it does what the task's context says about its step.

    {"number": 4, "steps": {"linear_2": {"fail": "retryable", "attempts": 2, "retry_after": 0.5},
                            "linear_3": {"hold": 30}}}

`fail` is retryable, permanent, returned, exception or time_out; without more it fails always, with
`attempts: N` at its first N attempts, with `calls: N` at its first N calls, which a reset does not begin
anew. `hold` waits so many seconds, or for a file of this path, or until the step is taken away; the handler
says so and goes on. With `hold_attempts: N` it does so at its first N attempts alone.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

from workers import PermanentError, RetryableError, StepContext, StepHandlerResult, step_handler

LONGER_THAN_ANY_TIMEOUT = 3600.0
LOOK_SECONDS = 0.02

calls: Counter[UUID] = Counter()
"""How often this process ran each step."""


@step_handler("e2e.step", version="2.1.0")
async def step(context: StepContext) -> StepHandlerResult | dict[str, Any]:
    """Square the product of the parents' numbers, or the task's number."""
    calls[context.step_uuid] += 1
    order = context.input_data.get("steps", {}).get(context.step_name, {})
    if "hold" in order and context.attempt <= order.get("hold_attempts", math.inf):
        print(f"holds {context.step_name}")
        if await _taken_away(order["hold"], context):
            print(f"told: {context.cancelled.reason}")
    if _fails_now(order, context):
        return await _fail(order, context)
    parents = context.get_config("parents") or []
    numbers = [context.get_dependency_field(parent, "number") for parent in parents]
    number = math.prod(numbers) if numbers else context.get_input_or("number", 2)
    return {"number": number**2, "attempt": context.attempt, "pid": os.getpid()}


async def _taken_away(hold: float | str, context: StepContext) -> bool:
    if not isinstance(hold, str):
        return await context.wait_cancelled(hold)
    while not _is_open(hold):
        if await context.wait_cancelled(LOOK_SECONDS):
            return True
    return False


def _is_open(gate: str) -> bool:
    return Path(gate).exists()


def _fails_now(order: dict[str, Any], context: StepContext) -> bool:
    if "fail" not in order:
        return False
    if "calls" in order:
        return calls[context.step_uuid] <= int(order["calls"])
    return context.attempt <= float(order.get("attempts", math.inf))


async def _fail(order: dict[str, Any], context: StepContext) -> StepHandlerResult:
    message = f"{context.step_name} was told to fail (attempt {context.attempt})"
    match order["fail"]:
        case "retryable":
            raise RetryableError(message, error_code="E2E", retry_after=order.get("retry_after"))
        case "permanent":
            raise PermanentError(message, error_code="E2E", context={"asked_by": "the test"})
        case "returned":
            return StepHandlerResult.failure(message, "told_to_fail", retryable=False, error_code="E2E")
        case "exception":
            raise ZeroDivisionError(message)
        case "time_out":
            await asyncio.sleep(LONGER_THAN_ANY_TIMEOUT)
        case unknown:
            raise PermanentError(f"the test asked for an unknown failure: {unknown}")
    raise AssertionError("a handler outlived its time-out")
