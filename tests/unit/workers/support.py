"""What the tests of the handler API have in common."""

import inspect
from typing import Any
from uuid import UUID

from workers import HandlerRegistry, StepContext, StepHandlerResult
from workers.invocation import ResolvedHandler, failure_from_exception, resolve, to_result
from workers.resolvers import HandlerDefinition

TASK = UUID("01890000-0000-7000-8000-000000000001")
STEP = UUID("01890000-0000-7000-8000-000000000002")


def make_context(**fields: Any) -> StepContext:
    given: dict[str, Any] = {
        "event": {},
        "task_uuid": TASK,
        "step_uuid": STEP,
        "correlation_id": TASK,
        "handler_name": "handler",
    }
    return StepContext(**(given | fields))


def stored(result: Any) -> dict[str, Any]:
    """A parent's stored execution result, as far as a child looks into it."""
    return {"success": True, "status": "completed", "result": result}


def resolved(handler: Any, name: str = "handler", **definition: Any) -> ResolvedHandler:
    registry = HandlerRegistry()
    registry.register(name, handler)
    return resolve(registry, HandlerDefinition(name, **definition))


async def run(handler: Any, context: StepContext | None = None, **definition: Any) -> StepHandlerResult:
    """Run a handler as a worker does: resolve it, call it, await it, understand its answer or exception."""
    ready = resolved(handler, **definition)
    try:
        returned = ready.call(context or make_context())
        assert inspect.isawaitable(returned) == ready.is_async
        return to_result(await returned if ready.is_async else returned)
    except BaseException as error:
        return failure_from_exception(error, handler_version=ready.version)
