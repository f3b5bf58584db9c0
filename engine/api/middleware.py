"""Around every route: where a request may come from, how long it may take, and that it is counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.api.errors import ApiProblem, unexpected
from engine.api.services import Services

TIMEOUT_HEADER = "x-request-timeout"
TIMER = "tasker.timer"
"""Where a request's timer is in its scope; a stream stops it."""


class OriginGuard:
    """On a server that only this machine can reach: refuses what a page of another site makes a browser send.

    Such a page's requests carry its Origin; after rebinding its name to 127.0.0.1 they carry that name as
    Host. Origins that are configured are let in, with their names as Host.
    """

    def __init__(self, app: ASGIApp, *, allowed_origins: Sequence[str]) -> None:
        self._app = app
        self._origins = frozenset(allowed_origins)
        self._hosts = frozenset(_host_of(origin) for origin in allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "*" in self._origins:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin, host = headers.get("origin"), headers.get("host", "")
        name = _host_of(f"//{host}")
        if not is_loopback(name) and name not in self._hosts:
            problem = self._refusal(f"this server answers to localhost, not to {host!r}")
            await problem.response()(scope, receive, send)
        elif origin is not None and origin not in self._origins and not is_loopback(_host_of(origin)):
            problem = self._refusal(f"pages of {origin} may not call this server")
            await problem.response()(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, message: str) -> ApiProblem:
        hint = "allow it with server.cors_origins, or bind the server to another address than loopback"
        return ApiProblem(403, message, hint=hint)


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own for itself."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


class RequestLimits:
    """Ends requests that take too long with 408, answers what nobody caught, and counts every answer."""

    def __init__(self, app: ASGIApp, *, services: Services, seconds: float) -> None:
        self._app = app
        self._services = services
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            problem = await self._answer(scope, receive, watch)
            if problem is not None and status == 0:
                await problem.response()(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            self._services.http.observe(scope["method"], route, status, time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> ApiProblem | None:
        try:
            seconds = self._allowed(scope)
            async with asyncio.timeout(seconds) as timer:
                scope[TIMER] = timer
                await self._app(scope, receive, send)
        except TimeoutError as error:
            if timer.expired():
                return ApiProblem(408, f"the request took longer than {seconds:g} s")
            return unexpected(error)
        except ApiProblem as problem:
            return problem
        except Exception as error:
            return unexpected(error)
        return None

    def _allowed(self, scope: Scope) -> float:
        text = Headers(scope=scope).get(TIMEOUT_HEADER)
        if text is None:
            return self._seconds
        try:
            asked = float(text)
        except ValueError:
            asked = 0.0
        if not asked > 0:
            raise ApiProblem(400, f"the header X-Request-Timeout is a number of seconds, not {text!r}")
        return min(asked, self._seconds)
