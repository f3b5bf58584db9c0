"""The exceptions that a handler raises to say what its failure means (reference 7.1 and 7.2).

`PermanentError` and what derives from it ends the step at once, `RetryableError` and what derives from it
lets the step's retry policy decide. `error_type` is the short name under which the failure is stored and
grouped; a class of your own inherits it or sets one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar


class TaskerError(Exception):
    """A failure that carries its own verdict.

    `retry_after` is in seconds and wins over the step's backoff. `metadata` and `context` are stored with the
    attempt: `metadata` as it is, `context` beside the error's message.
    """

    retryable: bool = True
    error_type: ClassVar[str] = "handler_error"

    def __init__(
        self,
        message: str,
        *,
        retryable: bool | None = None,
        metadata: dict[str, Any] | None = None,
        error_code: str | None = None,
        retry_after: int | float | None = None,
        context: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if retryable is not None:
            self.retryable = retryable
        self.metadata = metadata or {}
        self.error_code = error_code
        self.retry_after = retry_after
        self.context = context or {}

    def to_dict(self) -> dict[str, Any]:
        """Return the failure as plain data, ready for JSON if `metadata` and `context` are."""
        return {
            "error_type": self.error_type,
            "error_class": type(self).__name__,
            "message": self.message,
            "retryable": self.retryable,
            "error_code": self.error_code,
            "retry_after": self.retry_after,
            "metadata": self.metadata,
            "context": self.context,
        }


class RetryableError(TaskerError):
    """It may work next time."""

    retryable = True
    error_type = "retryable_error"


class TimeoutError(RetryableError):
    """Something that the handler called did not answer in time."""

    error_type = "timeout"


class NetworkError(RetryableError):
    """A peer could not be reached, or the connection broke."""

    error_type = "network_error"


class RateLimitError(RetryableError):
    """A peer asks for fewer calls; `retry_after` says from when on."""

    error_type = "rate_limit_error"


class ServiceUnavailableError(RetryableError):
    """A peer is there and cannot serve at the moment."""

    error_type = "service_unavailable_error"


class ResourceContentionError(RetryableError):
    """A lock, a connection or a quota is taken by somebody else."""

    error_type = "resource_contention_error"


class StepCancelled(RetryableError):
    """The step was taken away from the handler: cancelled, timed out, or its lease lost."""

    error_type = "cancelled"


class PermanentError(TaskerError):
    """It will not work next time either; a person has to look at it."""

    retryable = False
    error_type = "permanent_error"


class ValidationError(PermanentError):
    """The input is wrong."""

    error_type = "validation_error"


class NotFoundError(PermanentError):
    """What the step is about does not exist."""

    error_type = "not_found_error"


class AuthenticationError(PermanentError):
    """A peer does not know who we are."""

    error_type = "authentication_error"


class AuthorizationError(PermanentError):
    """A peer knows who we are, and forbids it."""

    error_type = "authorization_error"


class ConfigurationError(PermanentError):
    """The template, the handler or the worker is set up wrongly."""

    error_type = "configuration_error"


class BusinessLogicError(PermanentError):
    """A rule of the business says no."""

    error_type = "business_logic_error"


class HandlerNotFound(PermanentError):
    """No handler answers to what the template names."""

    error_type = "handler_not_found"


class ResolverNotFoundError(HandlerNotFound):
    """The template's `handler.resolver` names a resolver that the worker does not have."""


class ResolutionError(HandlerNotFound):
    """The handler is there and cannot be used: it fails to import or to start, or lacks the method."""


class HandlerImportError(Exception):
    """A module of handlers that could not be imported, or a handler in it that could not be registered.

    `source` is what `discover_handlers` was asked for; `file` and `line` are where it broke, the line
    `None` if there is none. `str()` of it reads `file:line: reason`.
    """

    def __init__(self, source: str, reason: str, *, file: str, line: int | None = None) -> None:
        super().__init__(f"{file}:{line}: {reason}" if line else f"{file}: {reason}")
        self.source = source
        self.reason = reason
        self.file = file
        self.line = line


StepTimeoutError = TimeoutError
StepValidationError = ValidationError


def fields_of(errors: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Reduce pydantic's `errors()` to `{"field": "lines.0.sku", "problem": "Field required"}`, one each."""
    return [
        {"field": ".".join(str(part) for part in error["loc"]) or "(the whole)", "problem": str(error["msg"])}
        for error in errors
    ]
