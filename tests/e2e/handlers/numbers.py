"""Arithmetic, and two branches that wait for each other."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any
from uuid import UUID

from workers import StepContext, StepHandler, StepHandlerResult, depends_on, inputs, step_handler

MEETING_SECONDS = 10.0

arrivals: dict[UUID, asyncio.Barrier] = defaultdict(lambda: asyncio.Barrier(2))


class ArithmeticHandler(StepHandler):
    """One operation; which, and on what, stands in `handler.initialization`."""

    handler_name = "e2e.arithmetic"

    async def call(self, context: StepContext) -> StepHandlerResult:
        names = context.get_config("of") or []
        given = [context.get_dependency_field(name, "result") for name in names]
        operands = given or [context.get_input("n")]
        result = self._calculate(context.get_config("operation"), operands, context.get_config("by"))
        return self.success({"result": result, "operands": operands})

    def _calculate(self, operation: str, operands: list[Any], by: Any) -> Any:
        match operation:
            case "square":
                return operands[0] ** 2
            case "add":
                return operands[0] + by
            case "multiply":
                return operands[0] * by
            case "divide":
                return operands[0] / by
            case "average":
                return sum(operands) / len(operands)
        raise ValueError(f"unknown operation {operation}")


@step_handler("e2e.meet")
async def meet(context: StepContext) -> dict[str, Any]:
    """Return when both branches are here: alone it would wait in vain."""
    async with asyncio.timeout(MEETING_SECONDS):
        place = await arrivals[context.task_uuid].wait()
    return {"place": place}


@step_handler("e2e.start")
async def start() -> dict[str, Any]:
    return {"started": True}


@step_handler("e2e.met")
@depends_on(left="meet_left", right="meet_right")
async def met(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    return {"places": sorted([left["place"], right["place"]])}


@step_handler("e2e.echo")
@inputs("message")
def echo(message: str | None) -> dict[str, Any]:
    """A plain function: it runs in a thread."""
    return {"echo": message}
