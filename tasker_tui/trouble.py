"""What went wrong with a call, in words for the screen."""

from __future__ import annotations

import httpx

CALL_FAILURES = (httpx.HTTPError, OSError)
"""What a call of the client may raise."""


def explain(error: Exception) -> str:
    """One sentence that says what failed, without a type name or a traceback."""
    if isinstance(error, httpx.TimeoutException):
        return "the server did not answer in time"
    if isinstance(error, httpx.ConnectError | OSError):
        return "the server cannot be reached"
    return str(error) or "the connection broke"
