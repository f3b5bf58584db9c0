"""The OpenAPI document and a page that shows it, which loads nothing from elsewhere."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.responses import FileResponse, Response

from engine.model.wire.bulk import BulkChangeRequest, BulkPreviewRequest, BulkRunRequest
from engine.model.wire.dead_letters import DlqAddRequest, DlqInvestigationUpdate
from engine.model.wire.events import LogEvent, ResetEvent, SummaryEvent, TransitionsEvent
from engine.model.wire.failures import TriageRequest
from engine.model.wire.pauses import PauseRequest
from engine.model.wire.requests import (
    BulkCreateRequest,
    CompleteManually,
    ResetForRetry,
    ResolveManually,
    Skip,
    TaskRequest,
)
from engine.model.wire.reruns import ForkRequest, RetryRequest
from engine.model.wire.webhooks import WebhookCreate, WebhookRemoval, WebhookUpdate

OPENAPI_URL = "/api-docs/openapi.json"
UI_URL = "/api-docs/ui"
ASSETS_URL = "/api-docs/assets"
ASSETS = (SCRIPT, STYLE, ICON) = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")

READ_BY_HAND = (
    TaskRequest,
    BulkCreateRequest,
    ResetForRetry,
    ResolveManually,
    CompleteManually,
    Skip,
    PauseRequest,
    BulkPreviewRequest,
    BulkRunRequest,
    BulkChangeRequest,
    RetryRequest,
    ForkRequest,
    DlqAddRequest,
    DlqInvestigationUpdate,
    TriageRequest,
    WebhookCreate,
    WebhookUpdate,
    WebhookRemoval,
    TransitionsEvent,
    SummaryEvent,
    LogEvent,
    ResetEvent,
)
"""Objects that routes read or write themselves, which FastAPI therefore does not know of."""

SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Clients may send it; this version asks for none.",
    },
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "Clients may send it; this version asks for none.",
    },
}


def install_docs(app: FastAPI) -> None:
    """Serve the document and the page, and complete the document."""
    router = APIRouter(include_in_schema=False)

    @router.get(UI_URL)
    async def page() -> Response:
        return get_swagger_ui_html(
            openapi_url=OPENAPI_URL,
            title=app.title,
            swagger_js_url=f"{ASSETS_URL}/{SCRIPT}",
            swagger_css_url=f"{ASSETS_URL}/{STYLE}",
            swagger_favicon_url=f"{ASSETS_URL}/{ICON}",
        )

    @router.get(ASSETS_URL + "/{name}")
    async def asset(name: str) -> Response:
        if name not in ASSETS:
            raise HTTPException(404)
        # The package holds Swagger UI; it is looked for when somebody opens the page, not at every start.
        return FileResponse(str(files("fastapi_offline") / "static" / name))

    app.include_router(router)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        _, definitions = models_json_schema(
            [(model, "validation") for model in READ_BY_HAND], ref_template="#/components/schemas/{model}"
        )
        components = document.setdefault("components", {})
        components["schemas"] = definitions["$defs"] | components.get("schemas", {})
        components["securitySchemes"] = SECURITY
        app.openapi_schema = document
    return app.openapi_schema
