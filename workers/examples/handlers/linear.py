"""Four steps in a row, each the square of the one before."""

from __future__ import annotations

from typing import Any

from workers import StepContext, depends_on, step_handler

DEFAULT_NUMBER = 6


@step_handler("example.linear.square_input")
async def square_input(context: StepContext) -> dict[str, Any]:
    return _squared(context.get_input_or("even_number", DEFAULT_NUMBER))


@step_handler("example.linear.square_first")
@depends_on(before="linear_step_1")
async def square_first(before: dict[str, Any]) -> dict[str, Any]:
    return _squared(before["result"])


@step_handler("example.linear.square_second")
@depends_on(before="linear_step_2")
async def square_second(before: dict[str, Any]) -> dict[str, Any]:
    return _squared(before["result"])


@step_handler("example.linear.square_third")
@depends_on(before="linear_step_3")
async def square_third(before: dict[str, Any]) -> dict[str, Any]:
    return _squared(before["result"])


def _squared(number: int) -> dict[str, Any]:
    return {"result": number * number, "operation": "square", "input": number}
