"""How a call fails."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from pydantic_core import from_json


class ApiError(Exception):
    """The server refused a call.

    `status` is the HTTP status, `code` and `message` are the server's, `hint` says what to do (or is empty),
    `details` is the whole error object: `existing_task_uuid`, `problems`, `retry_after_seconds` …
    """

    def __init__(self, status: int, code: str, message: str, details: dict[str, Any]) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.hint: str = details.get("hint") or ""


class ServerUnreachable(ConnectionError):
    """No answer: nothing listens, the connection broke, or it took too long. `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def raise_for(response: httpx.Response, also: Collection[int] = ()) -> None:
    """Raise `ApiError` unless the answer is a success, or JSON with one of the statuses `also`; its body must
    have been read."""
    told = response.headers.get("content-type") == "application/json"
    if response.is_success or (told and response.status_code in also):
        return
    details: dict[str, Any] = {}
    try:
        details = from_json(response.content)["error"]
        code, message = details["code"], details["message"]
    except (ValueError, KeyError, TypeError):
        code, message = "UNKNOWN", f"the server answered {response.status_code} {response.reason_phrase}"
    raise ApiError(response.status_code, code, message, details)


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Turn what can go wrong on the way into `ServerUnreachable`."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise ServerUnreachable(
            f"the server at {url} did not answer in time", "look at its /health/detailed, or wait longer"
        ) from error
    except (httpx.TransportError, OSError) as error:
        raise ServerUnreachable(
            f"the server at {url} cannot be reached: {error or type(error).__name__}",
            "is it running? `tasker dev` starts one; give another address with --url or TASKER_URL",
        ) from error
