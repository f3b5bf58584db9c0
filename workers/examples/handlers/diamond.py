"""One step, two beside each other, and one that joins them."""

from __future__ import annotations

from typing import Any

from workers import StepContext, depends_on, step_handler

DEFAULT_NUMBER = 6


@step_handler("example.diamond.start")
async def start(context: StepContext) -> dict[str, Any]:
    number = context.get_input_or("even_number", DEFAULT_NUMBER)
    return {"result": number * number, "operation": "square", "input": number}


@step_handler("example.diamond.branch")
@depends_on(begun="diamond_start")
async def branch(begun: dict[str, Any]) -> dict[str, Any]:
    return {"result": begun["result"] ** 2, "operation": "square", "input": begun["result"]}


@step_handler("example.diamond.end")
@depends_on(left="diamond_branch_b", right="diamond_branch_c")
async def end(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    product = left["result"] * right["result"]
    return {"result": product * product, "operation": "square of the product", "input": product}
