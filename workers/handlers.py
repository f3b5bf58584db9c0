"""The base class of handlers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workers.context import StepContext
from workers.results import ErrorType, StepHandlerCallResult, StepHandlerResult


class StepHandler:
    """A step's code: subclass it, name it, write `call`, plain or `async`.

    One instance serves all steps of a worker, several at once: keep nothing of a step on `self`. Other
    methods that take a context can be named by a template's `handler.method`.
    """

    handler_name: str = ""
    handler_version: str = "1.0.0"

    def call(self, context: StepContext) -> StepHandlerCallResult:
        """Run the step. What it may return: `StepHandlerCallResult`; what it may raise: `workers.errors`."""
        raise NotImplementedError(f"{type(self).__name__} has no method call(self, context)")

    @property
    def name(self) -> str:
        """The name under which templates find it: `handler_name`, or the class's own."""
        return self.handler_name or type(self).__name__

    @property
    def version(self) -> str:
        """The version that is stored with each result."""
        return self.handler_version

    @property
    def capabilities(self) -> list[str]:
        """What it can do: `process`, and what its mixins add."""
        added = ("api_capabilities", "decision_capabilities", "batch_capabilities")
        return ["process", *(item for name in added for item in getattr(self, name, ()))]

    def config_schema(self) -> dict[str, Any] | None:
        """A JSON Schema for `handler.initialization`, `None` for anything."""
        return None

    def success(
        self, result: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None
    ) -> StepHandlerResult:
        """The step is done, `result` is what its children can read."""
        return StepHandlerResult.success({} if result is None else result, metadata)

    def failure(
        self,
        message: str,
        error_type: str = ErrorType.HANDLER_ERROR.value,
        retryable: bool = True,
        metadata: dict[str, Any] | None = None,
        error_code: str | None = None,
    ) -> StepHandlerResult:
        """The attempt failed; `retryable` says whether the step's retry policy may try again."""
        return StepHandlerResult.failure(message, error_type, retryable, metadata, error_code)


class CallableHandler(StepHandler):
    """Makes a handler of any callable that takes a context."""

    def __init__(self, name: str, function: Callable[[StepContext], Any]) -> None:
        self.handler_name = name
        self.call = function  # type: ignore[assignment,method-assign]  # bound as it is, so that `async` is seen
