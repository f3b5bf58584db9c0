"""From a handler's outcome to what is stored of it."""

from __future__ import annotations

from typing import Any

from engine.model.payload import PayloadRejected, PayloadTooLarge, dump_json
from engine.store.claims import FinishedStep
from workers.invocation import short_message
from workers.results import StepHandlerResult
from workers.runtime.running import RunningStep

DEFAULT_VERSION = "1.0.0"
DETAILS_LIMIT = 256 * 1024
CANNOT_BE_STORED = "what the handler returned can't be stored"

# Keys of a failure's metadata that have a column of their own in what is stored.
_NAMED = {
    "retry_after": "retry_after",
    "headers": "headers",
    "status_code": "status_code",
    "context": "context",
    "error_context": "error_context",
    "traceback": "backtrace",
}


def pack(
    step: RunningStep, result: StepHandlerResult, handler_version: str
) -> tuple[FinishedStep, StepHandlerResult]:
    """Make a result storable. One that can't be stored becomes a permanent failure that says why.

    Returns what is stored, and the result that this is.
    """
    claimed, elapsed = step.claimed, step.execution_ms
    try:
        if result.is_success:
            data = dump_json(result.result if result.result is not None else {})
            details = _success_details(result, handler_version)
            return FinishedStep(claimed.step_uuid, claimed.claim_no, True, data, details, elapsed), result
        details = dump_json(_failure_details(result, handler_version), limit_bytes=DETAILS_LIMIT)
    except PayloadRejected as error:
        kind = "result_too_large" if isinstance(error, PayloadTooLarge) else "result_not_storable"
        # It quotes the handler's own keys and words, which may be as bad as the result.
        result = StepHandlerResult.failure(short_message(f"{CANNOT_BE_STORED}: {error}"), kind, False)
        details = dump_json(_failure_details(result, handler_version))
    except BaseException as error:  # what it holds runs code of its own, such as a generator's
        said = f"{CANNOT_BE_STORED}: writing it as JSON raised {type(error).__name__}"
        result = StepHandlerResult.failure(short_message(said), "result_not_storable", False)
        details = dump_json(_failure_details(result, handler_version))
    return FinishedStep(claimed.step_uuid, claimed.claim_no, False, None, details, elapsed), result


def _success_details(result: StepHandlerResult, handler_version: str) -> str | None:
    if not result.metadata and handler_version == DEFAULT_VERSION:
        return None
    return dump_json(
        {"metadata": result.metadata, "handler_version": handler_version}, limit_bytes=DETAILS_LIMIT
    )


def _failure_details(result: StepHandlerResult, handler_version: str) -> dict[str, Any]:
    details: dict[str, Any] = {
        "error_type": result.error_type or "handler_error",
        "message": result.error_message or "the handler failed without a message",
        "retryable": result.retryable,
        "handler_version": handler_version,
    }
    if result.error_code is not None:
        details["error_code"] = result.error_code
    custom = {}
    for key, value in result.metadata.items():
        if key in _NAMED:
            details[_NAMED[key]] = value
        elif key != "handler_version":
            custom[key] = value
    if custom:
        details["metadata"] = custom
    return details
