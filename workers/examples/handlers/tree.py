"""A tree of squares whose four leaves meet again: n to the power of 32, exact.

One class serves all steps: what a step reads stands in the template, under `handler.initialization`.
"""

from __future__ import annotations

import math

from workers import StepContext, StepHandler, StepHandlerResult

DEFAULT_NUMBER = 6


class TreeRootHandler(StepHandler):
    """Squares the task's number."""

    handler_name = "example.tree.root"

    async def call(self, context: StepContext) -> StepHandlerResult:
        number = context.get_input_or("even_number", DEFAULT_NUMBER)
        return self.success({"result": number * number, "operation": "square", "input": number})


class TreeSquareHandler(StepHandler):
    """Squares the result of the step that `initialization.parent` names."""

    handler_name = "example.tree.square"

    async def call(self, context: StepContext) -> StepHandlerResult:
        number = context.get_dependency_field(context.get_config("parent"), "result")
        return self.success({"result": number * number, "operation": "square", "input": number})


class TreeFinalHandler(StepHandler):
    """Multiplies the results of the steps that `initialization.leaves` names."""

    handler_name = "example.tree.final"

    async def call(self, context: StepContext) -> StepHandlerResult:
        leaves = [context.get_dependency_field(name, "result") for name in context.get_config("leaves")]
        return self.success({"result": math.prod(leaves), "operation": "product", "leaves": leaves})
