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

    Answers 403 to a foreign Host or Origin. An Origin in `allowed_origins` passes, and its name as Host;
    `*` there lets everybody in.
    """

    def __init__(self, app: App, host: str, allowed_origins: Iterable[str] = ()) -> None:
        self._app = app
        self._origins = {origin.rstrip("/").lower() for origin in allowed_origins}
        self._hosts = {_host_of(origin) for origin in self._origins}
        self._active = is_loopback(host) and "*" not in self._origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if self._active and scope["type"] == "http" and (problem := self._problem(scope)):
            await _refuse(send, problem)
        else:
            await self._app(scope, receive, send)

    def _problem(self, scope: Scope) -> str | None:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        name = _host_of(f"//{host}")
        if not is_loopback(name) and name not in self._hosts:
            return f"this server answers to localhost, not to '{host}'"
        origin = headers.get(b"origin")
        if origin is None or origin.lower() in self._origins or is_loopback(_host_of(origin)):
            return None
        return f"pages of '{origin}' may not call this server"


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


async def _refuse(send: Send, problem: str) -> None:
    hint = "allow it with server.cors_origins, or bind the server to another address than loopback"
    body = orjson.dumps({"error": {"code": "FORBIDDEN", "message": problem, "hint": hint}})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
