"""The worker's own HTTP port: health and metrics (reference 5.2)."""

from __future__ import annotations

import asyncio
import socket

import uvicorn
from fastapi import FastAPI

from engine.settings import Settings
from engine.store.pool import Pool
from workers.runtime.health import health_routes
from workers.runtime.loading import Loaded
from workers.runtime.worker import Worker


class HttpServer:
    """Serves beside the worker, on its loop."""

    def __init__(self, worker: Worker, pool: Pool, settings: Settings, loaded: Loaded) -> None:
        self._host, self._port = settings.worker.host, settings.worker.port
        app = FastAPI(
            title="Tasker worker", openapi_url="/api-docs/openapi.json", docs_url=None, redoc_url=None
        )
        app.include_router(health_routes(worker, pool, settings, loaded))
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        self._server = uvicorn.Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bind and serve; raises OSError when the port is taken."""
        listening = socket.create_server((self._host, self._port), reuse_port=False)
        self._server.config.load()
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]))

    async def stop(self) -> None:
        """End after the requests that run."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
