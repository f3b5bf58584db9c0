"""Seven steps with every kind of join: n to the power of 64, exact."""

from __future__ import annotations

from typing import Any

from workers import StepContext, depends_on, step_handler

DEFAULT_NUMBER = 6


@step_handler("example.dag.init")
async def init(context: StepContext) -> dict[str, Any]:
    return _squared(context.get_input_or("even_number", DEFAULT_NUMBER))


@step_handler("example.dag.process")
@depends_on(begun="dag_init")
async def process(begun: dict[str, Any]) -> dict[str, Any]:
    return _squared(begun["result"])


@step_handler("example.dag.validate")
@depends_on(left="dag_process_left", right="dag_process_right")
async def validate(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    return _squared(left["result"] * right["result"])


@step_handler("example.dag.transform")
@depends_on(left="dag_process_left")
async def transform(left: dict[str, Any]) -> dict[str, Any]:
    return _squared(left["result"])


@step_handler("example.dag.analyze")
@depends_on(right="dag_process_right")
async def analyze(right: dict[str, Any]) -> dict[str, Any]:
    return _squared(right["result"])


@step_handler("example.dag.finalize")
@depends_on(validated="dag_validate", transformed="dag_transform", analyzed="dag_analyze")
async def finalize(
    validated: dict[str, Any], transformed: dict[str, Any], analyzed: dict[str, Any]
) -> dict[str, Any]:
    return _squared(validated["result"] * transformed["result"] * analyzed["result"])


def _squared(number: int) -> dict[str, Any]:
    return {"result": number * number, "operation": "square", "input": number}
