"""The way of one step through a worker: find the handler, understand what it gave back, write it down.

Reference 7.1 (persisted shape, framework error types) and python-sdk (what a handler may return and raise).
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from workers.context import StepContext
from workers.errors import HandlerNotFound, PermanentError, ResolutionError, TaskerError
from workers.functional import FunctionHandler
from workers.handlers import StepHandler
from workers.near import did_you_mean
from workers.places import handler_traceback, place_of_error, storable
from workers.registry import HandlerRegistry
from workers.resolver_chain import recognises
from workers.resolvers import HandlerDefinition, bound_method
from workers.results import StepHandlerResult

MAX_MESSAGE_CHARACTERS = 8192

_FRAMEWORK_TYPES = frozenset({"handler_not_found", "handler_panic", "handler_timeout", "worker_lost"})
_FOR_THE_ENGINE = frozenset(
    {"retry_after", "headers", "status_code", "context", "traceback", "error_context"}
)


@dataclass(slots=True)
class ResolvedHandler:
    """A handler ready to run steps.

    `call` is bound to the right method of an instance. `dependencies` are the steps whose results it can see;
    `None` means that it did not say, and needs those of all ancestors.
    """

    name: str
    version: str
    call: Callable[[StepContext], Any]
    is_async: bool
    dependencies: frozenset[str] | None


class ResultNotStorable(PermanentError):
    """What a handler returned cannot be turned into its result."""

    error_type = "result_not_storable"


def resolve(registry: HandlerRegistry, definition: HandlerDefinition) -> ResolvedHandler:
    """Find the handler that a template names, once for all of its steps.

    Raises `HandlerNotFound`, or of its subclasses `ResolverNotFoundError` for an unknown resolver hint and
    `ResolutionError` for a handler that cannot be imported or made, or lacks the method. All are permanent
    and of the error type `handler_not_found`.
    """
    handler = registry.resolver_chain.find(definition)
    if handler is None:
        raise HandlerNotFound(_not_found(registry, definition))
    try:
        return _made_ready(handler, definition)
    except HandlerNotFound:
        raise
    except Exception as error:  # its properties are its author's code
        raise ResolutionError(
            f"handler {definition.callable!r} cannot be used: {type(error).__name__}: {_message(error)} "
            f"({place_of_error(error)}). Correct the handler"
        ) from error


def _made_ready(handler: Any, definition: HandlerDefinition) -> ResolvedHandler:
    call = bound_method(handler, definition)
    return ResolvedHandler(
        name=str(getattr(handler, "name", definition.callable)),
        version=str(getattr(handler, "version", StepHandler.handler_version)),
        call=call,
        is_async=inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(_call_of(call)),
        dependencies=handler.needed_steps() if isinstance(handler, FunctionHandler) else None,
    )


def to_result(returned: Any) -> StepHandlerResult:
    """Understand what a handler returned (reference python-sdk, first rule).

    Raises `ConfigurationError` for a `BatchConfig` that came past `@batch_analyzer`, `ResultNotStorable` if
    the object's own code raises; give it, as anything that a handler raises, to `failure_from_exception`.
    """
    try:
        return _understood(returned)
    except TaskerError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {_message(error)}"
        raise ResultNotStorable(f"what the handler returned can't be stored: it raised {said}") from error


def _understood(returned: Any) -> StepHandlerResult:
    if type(returned) is dict:
        return StepHandlerResult(True, returned)
    if isinstance(returned, StepHandlerResult):
        return returned
    if returned is None:
        return StepHandlerResult(True, {})
    own = getattr(type(returned), "__step_result__", None)
    if own is not None:
        converted: StepHandlerResult = own(returned)
        return converted
    if isinstance(returned, dict):
        return StepHandlerResult(True, dict(returned))
    if _is_model(returned):
        returned = returned.model_dump(mode="json")
        return StepHandlerResult(True, returned if isinstance(returned, dict) else {"result": returned})
    if inspect.isawaitable(returned):
        return _never_awaited(returned)
    return StepHandlerResult(True, {"result": returned})


def failure_from_exception(exc: BaseException, *, handler_version: str) -> StepHandlerResult:
    """Turn what a handler raised into its failure (reference 7.1, framework error types).

    A `TaskerError` says itself what it means. Any other `Exception`, and an `asyncio.CancelledError` that
    nobody asked for, is a retryable `handler_error`; what else there is (`SystemExit`, `KeyboardInterrupt`,
    ...) a permanent `handler_panic`. The metadata has the exception's class and, from the handler's first
    frame on, its traceback.
    """
    metadata: dict[str, Any] = {"handler_version": handler_version, "exception_class": _class_name(exc)}
    lines = handler_traceback(exc)
    if isinstance(exc, TaskerError):
        metadata = {**exc.metadata, **metadata}
        metadata |= {"context": exc.context} if exc.context else {}
        metadata |= {"retry_after": exc.retry_after} if exc.retry_after is not None else {}
        # An error of the border (a model that does not fit) has no frame of the handler, and needs none.
        metadata |= {"traceback": lines} if lines[0].startswith("Traceback") else {}
        return StepHandlerResult(
            False, None, _message(exc), exc.error_type, exc.error_code, exc.retryable, metadata
        )
    metadata["traceback"] = lines
    retryable = isinstance(exc, Exception) or type(exc).__name__ == "CancelledError"
    error_type = "handler_error" if retryable else "handler_panic"
    said = _message(exc)
    message = f"{type(exc).__name__}: {said}" if said != type(exc).__name__ else said
    return StepHandlerResult(False, None, message, error_type, None, retryable, metadata)


def execution_result(
    result: StepHandlerResult,
    *,
    step_uuid: UUID | str,
    worker_id: str,
    worker_hostname: str,
    started_at: datetime,
    completed_at: datetime,
    execution_time_ms: int,
    handler_version: str,
) -> dict[str, Any]:
    """Return the shape in which a result is stored (reference 7.1). The times are aware.

    `status` is `completed`; `failed` if the handler said that it failed, or `error` if it was surprised: by
    an exception that is no `TaskerError`, a time-out, a missing handler.
    """
    succeeded = result.is_success
    custom = result.metadata or {}
    error, orchestration = None, _plain_orchestration()
    if not succeeded:
        error, orchestration = _failure_parts(result)
        custom = {key: value for key, value in custom.items() if key not in _FOR_THE_ENGINE}
    return {
        "step_uuid": str(step_uuid),
        "success": succeeded,
        "status": "completed" if succeeded else _status(result),
        "result": {} if succeeded and result.result is None else result.result,
        "error": error,
        "metadata": {
            "execution_time_ms": execution_time_ms,
            "handler_version": handler_version,
            "retryable": not succeeded and bool(result.retryable),
            "completed_at": _rfc3339(completed_at),
            "worker_id": worker_id,
            "worker_hostname": worker_hostname,
            "started_at": _rfc3339(started_at),
            "custom": custom,
            "error_code": result.error_code,
            "error_type": error and error["error_type"],
            "context": error["context"] if error else {},
        },
        "orchestration_metadata": orchestration,
    }


def _plain_orchestration() -> dict[str, Any]:
    return {"headers": {}, "error_context": None, "backoff_hint": None, "custom": {}}


def _failure_parts(result: StepHandlerResult) -> tuple[dict[str, Any], dict[str, Any]]:
    """The stored `error` and `orchestration_metadata` of a failure, whatever a handler put into it."""
    said = result.metadata or {}
    context, headers, trace = said.get("context"), said.get("headers"), said.get("traceback")
    error = {
        "message": short_message(str(result.error_message or "the handler failed without a message")),
        "error_type": str(result.error_type or "handler_error"),
        "backtrace": trace.splitlines() if isinstance(trace, str) else trace,
        "retryable": bool(result.retryable),
        "status_code": said.get("status_code"),
        "context": context if isinstance(context, dict) else {},
    }
    wait = said.get("retry_after")
    orchestration = {
        "headers": headers if isinstance(headers, dict) else {},
        "error_context": said.get("error_context"),
        "backoff_hint": {"retry_after_seconds": wait} if _is_wait(wait) else None,
        "custom": {},
    }
    return error, orchestration


def _status(result: StepHandlerResult) -> str:
    surprised = result.error_type in _FRAMEWORK_TYPES or (
        result.error_type == "handler_error" and "traceback" in (result.metadata or {})
    )
    return "error" if surprised else "failed"


def _is_wait(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 <= value < math.inf  # neither is true of NaN


def _rfc3339(moment: datetime) -> str:
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    # Half the time of isoformat, and this runs twice a step.
    return "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ" % (  # noqa: UP031
        moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond
    )  # fmt: skip


def _message(exc: BaseException) -> str:
    try:
        said = str(exc)
    except Exception as broken:
        said = f"{type(exc).__name__}, whose text cannot be made ({type(broken).__name__})"
    return short_message(said) or type(exc).__name__


def short_message(message: str) -> str:
    """What of a message can be stored: its beginning, without what the database cannot hold."""
    too_long = len(message) > MAX_MESSAGE_CHARACTERS
    return storable(f"{message[:MAX_MESSAGE_CHARACTERS]}…" if too_long else message)


def _class_name(exc: BaseException) -> str:
    kind = type(exc)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _is_model(value: Any) -> bool:
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(value, pydantic.BaseModel)


def _never_awaited(returned: Any) -> StepHandlerResult:
    close = getattr(returned, "close", None)
    if callable(close):
        close()  # else Python warns at some later moment, elsewhere
    return StepHandlerResult.failure(
        "the handler is a plain function and returned a coroutine, which nobody awaits; write async def",
        retryable=False,
    )


def _call_of(call: Callable[..., Any]) -> Any:
    """The `__call__` of an object that was registered as a handler; a function's own is of no use."""
    return None if inspect.isroutine(call) else getattr(call, "__call__", None)  # noqa: B004


def _not_found(registry: HandlerRegistry, definition: HandlerDefinition) -> str:
    """Say what was looked for, where, which names are near, and what to do."""
    wanted = definition.callable
    chain = registry.resolver_chain
    known = chain.registered_callables()
    asked = [definition.resolver] if definition.resolver else chain.resolver_names
    places = [_looked_in(registry, str(name), definition) for name in asked]
    return (
        f"no handler named {wanted!r}; looked in {', '.join(places)}.{did_you_mean(wanted, known)} Correct "
        "handler.callable in the template, or register a handler of that name and load its module into the "
        "worker"
    )


def _looked_in(registry: HandlerRegistry, name: str, definition: HandlerDefinition) -> str:
    resolver = registry.resolver_chain.get_resolver(name)
    if resolver is None or not resolver.registered_callables():
        matches = resolver is not None and recognises(resolver, definition)
        return f"{name} ({'it has none' if matches else 'not of its form'})"
    return f"{name} ({len(resolver.registered_callables())} names)"
