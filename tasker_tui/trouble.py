"""What went wrong with a call, in words for the screen."""

from __future__ import annotations

from pydantic import ValidationError

from engine.client import ApiError, ServerUnreachable

CALL_FAILURES = (ApiError, ServerUnreachable, ValidationError)
"""What a call of the client may raise; the last one if the answer is of another version."""


def explain(error: Exception) -> str:
    """One sentence that says what failed, without a type name or a traceback."""
    if isinstance(error, ApiError):
        return f"{error.message}; {error.hint}" if error.hint else error.message
    if isinstance(error, ServerUnreachable):
        return (
            "the server did not answer in time" if "in time" in str(error) else "the server cannot be reached"
        )
    return "the server's answer cannot be read; is it of another version?"
