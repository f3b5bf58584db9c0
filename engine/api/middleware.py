"""Around every route: how long a request may take, and that it is counted."""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.api.errors import ApiProblem, unexpected
from engine.api.services import Services

TIMEOUT_HEADER = "x-request-timeout"
TIMER = "tasker.timer"
"""Where a request's timer is in its scope; a stream stops it."""


def _refuse_nul(scope: Scope) -> None:
    """PostgreSQL keeps no text with one, so nothing can be found by it."""
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        raise ApiProblem(
            400, "the address holds a NUL character (%00)", hint="leave it out: no name or text has one"
        )


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
            _refuse_nul(scope)
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
