"""The mixin for handlers that call an HTTP API (reference 7.2, API mixin status map)."""

from __future__ import annotations

import math
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from workers.results import StepHandlerResult

if TYPE_CHECKING:
    import httpx

_PERMANENT = {
    400: "validation_error",
    401: "authentication_error",
    403: "authorization_error",
    404: "not_found_error",
    405: "permanent_error",
    406: "permanent_error",
    410: "not_found_error",
    422: "validation_error",
}
_RETRYABLE = {
    408: "timeout",
    429: "rate_limit_error",
    500: "service_unavailable_error",
    502: "service_unavailable_error",
    503: "service_unavailable_error",
    504: "timeout",
}
_SECRET_HEADERS = frozenset({"set-cookie", "authorization", "proxy-authorization"})
_SHOWN_BODY = 4096


class ApiResponse:
    """An answer: `status_code`, `headers` (names in lower case), `body` (JSON if it is, else text)."""

    def __init__(self, response: httpx.Response, body: dict[str, Any] | str | None = None) -> None:
        self.raw_response = response
        self.status_code: int = response.status_code
        self.headers: dict[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self.body: Any = _body(response) if body is None else body

    @property
    def ok(self) -> bool:
        """2xx."""
        return 200 <= self.status_code < 300

    @property
    def is_client_error(self) -> bool:
        """4xx."""
        return 400 <= self.status_code < 500

    @property
    def is_server_error(self) -> bool:
        """5xx."""
        return 500 <= self.status_code < 600

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may work later; a 5xx that the map does not know may."""
        return self.status_code in _RETRYABLE or self.is_server_error

    @property
    def error_type(self) -> str:
        """The error type of this status."""
        known = _PERMANENT.get(self.status_code) or _RETRYABLE.get(self.status_code)
        return known or ("retryable_error" if self.is_retryable else "permanent_error")

    @property
    def retry_after(self) -> int | None:
        """The header Retry-After in seconds from now, at least 0; `None` if none can be read."""
        value = self.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            return int(value)
        try:
            return max(0, math.ceil(parsedate_to_datetime(value).timestamp() - time.time()))
        except (ValueError, OverflowError):
            return None

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain data, without headers that carry secrets."""
        headers = {name: value for name, value in self.headers.items() if name not in _SECRET_HEADERS}
        return {"status_code": self.status_code, "headers": headers, "body": self.body}


class APIMixin:
    """Adds an HTTP client to a `StepHandler`. Timeouts are in seconds, for one request.

    The methods block; in an `async def call` use httpx's own AsyncClient, and `api_failure` for its answers.
    What cannot be sent raises httpx's exceptions: give them to `connection_error` or `timeout_error`.
    """

    base_url: str = ""
    default_timeout: float = 30.0
    default_headers: dict[str, str] = {}  # noqa: RUF012  a default to be overridden, never changed
    _client: httpx.Client | None = None

    @property
    def api_capabilities(self) -> list[str]:
        """What the mixin adds to the handler's capabilities."""
        return ["http", "api"]

    @property
    def client(self) -> httpx.Client:
        """The client, made at the first use and kept: its connections are used again."""
        if self._client is None or self._client.is_closed:
            import httpx

            self._client = httpx.Client(
                base_url=self.base_url, timeout=self.default_timeout, headers=self.default_headers
            )
        return self._client

    def close(self) -> None:
        """Close the client's connections; the next request makes a new one."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def get(
        self,
        path: str,
        params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> ApiResponse:
        """GET `path` below `base_url`."""
        return self.request("GET", path, params=params, headers=headers, **kwargs)

    def post(
        self,
        path: str,
        json: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> ApiResponse:
        """POST JSON or a form."""
        return self.request("POST", path, json=json, data=data, headers=headers, **kwargs)

    def put(
        self,
        path: str,
        json: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> ApiResponse:
        """PUT JSON or a form."""
        return self.request("PUT", path, json=json, data=data, headers=headers, **kwargs)

    def patch(
        self,
        path: str,
        json: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> ApiResponse:
        """PATCH with JSON or a form."""
        return self.request("PATCH", path, json=json, data=data, headers=headers, **kwargs)

    def delete(self, path: str, headers: dict[str, str] | None = None, **kwargs: Any) -> ApiResponse:
        """DELETE."""
        return self.request("DELETE", path, headers=headers, **kwargs)

    def request(self, method: str, path: str, **kwargs: Any) -> ApiResponse:
        """Send any request; `kwargs` are those of `httpx.Client.request`."""
        return ApiResponse(self.client.request(method, path, **kwargs))

    def api_success(
        self, response: ApiResponse, result: dict[str, Any] | None = None, include_response: bool = True
    ) -> StepHandlerResult:
        """The step is done with `result`, or with the body; the answer goes to the metadata."""
        body = response.body if isinstance(response.body, dict) else {"body": response.body}
        metadata = {"api_response": response.to_dict()} if include_response else {}
        return StepHandlerResult.success(body if result is None else result, metadata)

    def api_failure(self, response: ApiResponse, message: str | None = None) -> StepHandlerResult:
        """The attempt failed as the status says; Retry-After and the headers reach the retry policy."""
        answer = response.to_dict()
        metadata: dict[str, Any] = {
            "status_code": response.status_code,
            "headers": answer["headers"],
            "response_body": _shown(response.body),
        }
        if response.retry_after is not None and response.is_retryable:
            metadata["retry_after"] = response.retry_after
        said = message or f"HTTP {response.status_code} {response.raw_response.reason_phrase}".strip()
        code = f"HTTP_{response.status_code}"
        return StepHandlerResult.failure(said, response.error_type, response.is_retryable, metadata, code)

    def connection_error(self, error: Exception, context: str | None = None) -> StepHandlerResult:
        """The peer could not be reached: retryable. `context` says what was being done."""
        return _unsent("the connection failed", "network_error", error, context)

    def timeout_error(self, error: Exception, context: str | None = None) -> StepHandlerResult:
        """The peer did not answer in time: retryable. `context` says what was being done."""
        return _unsent("no answer in time", "timeout", error, context)


def _unsent(what: str, error_type: str, error: Exception, context: str | None) -> StepHandlerResult:
    doing = f"{context}: " if context else ""
    reason = str(error) or type(error).__name__
    metadata = {"exception_class": f"{type(error).__module__}.{type(error).__qualname__}"}
    return StepHandlerResult.failure(f"{doing}{what}: {reason}", error_type, True, metadata)


def _body(response: httpx.Response) -> Any:
    if "json" in response.headers.get("content-type", ""):
        try:
            return response.json()
        except ValueError:
            return response.text
    return response.text


def _shown(body: Any) -> Any:
    """A failure keeps a body that helps to understand it, not a whole page."""
    return f"{body[:_SHOWN_BODY]}…" if isinstance(body, str) and len(body) > _SHOWN_BODY else body
