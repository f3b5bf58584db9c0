"""Keeps web pages away from an API that only listens on this machine.

A page in a browser can send requests to 127.0.0.1, and a name of its own may resolve there. What listens on a
loopback address therefore answers only requests that call it by a loopback name, and that no page of another
host sends.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import orjson

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def is_loopback(host: str) -> bool:
    """Whether a name or address, as `localhost`, `127.0.0.1` or `[::1]`, means this machine."""
    name = host.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


class LoopbackGuard:
    """ASGI middleware for a server that is bound to `host`; does nothing unless that is a loopback address.

    Answers 403 to a foreign Host or Origin; an Origin in `allowed_origins` passes.
    """

    def __init__(self, app: App, host: str, allowed_origins: Iterable[str] = ()) -> None:
        self._app = app
        self._active = is_loopback(host)
        self._allowed = {origin.rstrip("/").lower() for origin in allowed_origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if self._active and scope["type"] == "http" and (problem := self._problem(scope)):
            await _refuse(send, problem)
        else:
            await self._app(scope, receive, send)

    def _problem(self, scope: Scope) -> str | None:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if not _names_loopback(f"//{host}"):
            return f"this server answers on this machine only, and was called as '{host}'"
        origin = headers.get(b"origin")
        if origin is None or origin.lower() in self._allowed or _names_loopback(origin):
            return None
        return f"a page of '{origin}' may not call this server"


def _names_loopback(url: str) -> bool:
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False


async def _refuse(send: Send, problem: str) -> None:
    body = orjson.dumps({"error": {"code": "FORBIDDEN", "message": problem}})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
