"""What a handler gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

StepHandlerCallResult: TypeAlias = Any
"""What `call` may return, itself or awaited: a `StepHandlerResult`, a dict, a pydantic model, a `Decision`, a
`BatchConfig`, `None`, or any other JSON value."""


class ResultStatus(StrEnum):
    """How an attempt ended."""

    SUCCESS = "completed"
    FAILURE = "error"
    RETRYABLE_ERROR = "retryable_error"
    PERMANENT_ERROR = "permanent_error"


class ErrorType(StrEnum):
    """The error types that every SDK knows; a handler may use names of its own."""

    PERMANENT_ERROR = "permanent_error"
    RETRYABLE_ERROR = "retryable_error"
    VALIDATION_ERROR = "validation_error"
    TIMEOUT = "timeout"
    HANDLER_ERROR = "handler_error"

    @classmethod
    def is_standard(cls, error_type: str) -> bool:
        """Say whether it is one of these."""
        return any(error_type == member.value for member in cls)

    @classmethod
    def is_typically_retryable(cls, error_type: str) -> bool:
        """Say whether such a failure is worth another attempt as a rule; a name of your own is not."""
        return error_type in (cls.RETRYABLE_ERROR.value, cls.TIMEOUT.value, cls.HANDLER_ERROR.value)


@dataclass(slots=True)
class StepHandlerResult:
    """The outcome of one call: either `result`, or the error's message, type and verdict.

    These keys of a failure's `metadata` have a meaning for the engine: `retry_after` (seconds), `headers` and
    `status_code` (of the answer that a peer gave), `context` (a dict stored with the error), `traceback`
    (lines). Everything else is stored as it is.
    """

    is_success: bool
    result: dict[str, Any] | None = None
    error_message: str | None = None
    error_type: str | None = None
    error_code: str | None = None
    retryable: bool = True
    metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def success(cls, result: dict[str, Any], metadata: dict[str, Any] | None = None) -> StepHandlerResult:
        """The step is done, `result` is what its children can read."""
        return cls(True, result, metadata={} if metadata is None else metadata)

    @classmethod
    def failure(
        cls,
        message: str,
        error_type: str | ErrorType = ErrorType.HANDLER_ERROR,
        retryable: bool = True,
        metadata: dict[str, Any] | None = None,
        error_code: str | None = None,
    ) -> StepHandlerResult:
        """The attempt failed; `retryable` says whether the step's retry policy may try again."""
        name = error_type.value if isinstance(error_type, ErrorType) else error_type
        return cls(False, None, message, name, error_code, retryable, {} if metadata is None else metadata)

    def is_success_result(self) -> bool:
        """Say whether the step is done."""
        return self.is_success

    def is_failure_result(self) -> bool:
        """Say whether the attempt failed."""
        return not self.is_success
