"""The worker's own HTTP port: health, metrics, templates (reference 5.2)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from engine.loopback import LoopbackGuard
from engine.model.wire.requests import ErrorBody, ErrorDetail
from engine.settings import Settings
from engine.store.pool import RECONNECTABLE, Pool
from workers.registry import HandlerRegistry
from workers.runtime.health import Health
from workers.runtime.loading import Loaded
from workers.runtime.routes import config_routes, health_routes, metrics_routes
from workers.runtime.template_routes import template_routes
from workers.runtime.worker import Worker

log = logging.getLogger("tasker.worker")

LAST_REQUESTS_SECONDS = 2

CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 503: "SERVICE_UNAVAILABLE"}


class HttpServer:
    """Serves beside the worker, on its loop."""

    def __init__(
        self, worker: Worker, pool: Pool, settings: Settings, loaded: Loaded, registry: HandlerRegistry
    ) -> None:
        self._host, self._port = settings.worker.host, settings.worker.port
        app = _application(worker, pool, settings, loaded, registry)
        guarded = LoopbackGuard(app, self._host, settings.server.cors_origins)
        self._server = _Server(
            uvicorn.Config(
                guarded,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=LAST_REQUESTS_SECONDS,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bind and serve; raises OSError when the port is taken."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listening = socket.create_server((self._host, self._port), family=family)
        shown = f"[{self._host}]" if ":" in self._host else self._host
        log.info("health and metrics are at http://%s:%d", shown, listening.getsockname()[1])
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]))

    async def stop(self) -> None:
        """End after the requests that run."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _Server(uvicorn.Server):
    """Leaves the signals to the worker, which drains first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _application(
    worker: Worker, pool: Pool, settings: Settings, loaded: Loaded, registry: HandlerRegistry
) -> FastAPI:
    health = Health(worker, pool, settings, loaded)
    app = FastAPI(
        title="Tasker worker",
        version=health.version,
        openapi_url="/api-docs/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(health_routes(health))
    app.include_router(metrics_routes(worker, health))
    app.include_router(config_routes(settings))
    app.include_router(template_routes(worker, pool, registry))
    app.add_exception_handler(HTTPException, _refused)
    for kind in RECONNECTABLE:
        app.add_exception_handler(kind, _unreachable)
    return app


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, error.detail)


async def _unreachable(_: Request, __: Exception) -> JSONResponse:
    return _error(503, "the worker can't reach its database; see /health/detailed")


def _error(status: int, message: str) -> JSONResponse:
    body = ErrorBody(error=ErrorDetail(code=CODES.get(status, "BAD_REQUEST"), message=message))
    return JSONResponse(body.model_dump(mode="json"), status_code=status)
