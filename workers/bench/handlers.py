"""The steps of the bench: no work as `async def` and as `def`, a larger result, and a slot that is kept."""

from __future__ import annotations

from typing import Any

from workers import StepContext, inputs, step_handler

KIBIBYTE = "x" * 1000


@step_handler("bench.async")
@inputs("n")
async def asynchronous(n: int = 0) -> dict[str, Any]:
    return {"value": n}


@step_handler("bench.def")
@inputs("n")
def synchronous(n: int = 0) -> dict[str, Any]:
    return {"value": n}


@step_handler("bench.kibibyte")
async def kibibyte() -> dict[str, Any]:
    """A result of about 1 KiB."""
    return {"text": KIBIBYTE}


@step_handler("bench.occupy")
async def occupy(context: StepContext) -> dict[str, Any]:
    """Keep a slot until the step is taken away."""
    await context.cancelled.wait_async()
    return {}
