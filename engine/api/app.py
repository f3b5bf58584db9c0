"""The REST API as one application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from engine.api.docs import OPENAPI_URL, install_docs
from engine.api.errors import install_error_handlers
from engine.api.middleware import RequestLimits
from engine.api.routes import (
    analytics,
    bulk,
    comparison,
    dead_letters,
    failures,
    metrics,
    pauses,
    queues,
    reports,
    reruns,
    statistics,
    steps,
    stream,
    system,
    task_list,
    tasks,
    templates,
    webhooks,
    why,
)
from engine.api.services import VERSION, ApiDeps, Services
from engine.loopback import LoopbackGuard, is_loopback
from engine.settings import ServerSettings

LOCAL_ORIGINS = r"https?://(localhost|127(\.\d+){3}|\[::1\])(:\d+)?"


def create_app(deps: ApiDeps) -> FastAPI:
    """Build the application (reference 5.1). Its `state.services.hub` is closed to end the event streams."""
    services = Services(deps)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await services.hub.close()

    app = FastAPI(
        title="Tasker",
        version=VERSION,
        description="Runs workflows on PostgreSQL.",
        openapi_url=OPENAPI_URL,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.services = services
    install_error_handlers(app)
    for router in (
        why.router,  # before what takes any word for the id of a task
        tasks.router,
        task_list.router,
        reports.router,
        comparison.router,
        steps.router,
        reruns.router,
        templates.router,
        system.router,
        metrics.router,
        stream.router,
        pauses.router,
        failures.router,
        bulk.router,
        dead_letters.router,
        webhooks.router,
        analytics.router,
        statistics.router,
        queues.router,
    ):
        app.include_router(router)
    install_docs(app)
    _add_middleware(app, services, deps.settings.server)
    return app


def _add_middleware(app: FastAPI, services: Services, settings: ServerSettings) -> None:
    """The last one added is the first to see a request."""
    app.add_middleware(RequestLimits, services=services, seconds=settings.request_timeout_seconds)
    loopback = is_loopback(settings.host)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins or ([] if loopback else ["*"]),
        allow_origin_regex=LOCAL_ORIGINS if loopback else None,
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["*"],
        expose_headers=["Retry-After"],
    )
    app.add_middleware(LoopbackGuard, host=settings.host, allowed_origins=settings.cors_origins)
