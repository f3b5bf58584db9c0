"""`/v1/templates`: list, read, register."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from engine.api.answers import answer, documented
from engine.api.bodies import TEMPLATE_LIMIT, read_body
from engine.api.errors import ApiProblem, bad_template, not_found
from engine.api.services import Api
from engine.model.problems import did_you_mean
from engine.model.template_errors import TemplateInvalid
from engine.model.templates import Template, content_hash, load_template
from engine.model.wire.details import TemplateRegistration, TemplateRevision
from engine.model.wire.tasks import TemplateListResponse
from engine.store.registration import Registration, register_template
from engine.store.templates import get_template, list_templates, template_names

router = APIRouter(prefix="/v1/templates", tags=["templates"])

SOURCE = "template"
YAML_BODY = {
    "requestBody": {
        "required": True,
        "description": "A template as YAML or JSON",
        "content": {
            "application/yaml": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}
KINDS = {
    "application/json",
    "application/yaml",
    "application/x-yaml",
    "text/yaml",
    "text/x-yaml",
    "application/octet-stream",
    "text/plain",
}


@router.get("", response_class=Response, responses=documented(400, ok=TemplateListResponse))
async def read_templates(
    api: Api, namespace: Annotated[str | None, Query(max_length=255)] = None
) -> Response:
    """The registered templates and their namespaces."""
    async with api.database.acquire() as conn:
        return answer(await list_templates(conn, namespace))


@router.post(
    "",
    response_class=Response,
    responses=documented(400, 409, 413, 415, 422, ok=TemplateRegistration, created=TemplateRegistration),
    openapi_extra=YAML_BODY,
)
async def register(
    request: Request,
    api: Api,
    replace: Annotated[bool, Query(description="Let it replace other content of the same version")] = False,
) -> Response:
    """Register a template. New tasks are created from it; tasks that exist keep their revision."""
    template = await asyncio.to_thread(_load, await _text(request))
    settings = api.settings
    async with api.database.acquire() as conn, conn.transaction():
        done = await register_template(
            conn,
            template,
            environment=settings.environment,
            replace=replace,
            queue_here=settings.broker is None,
        )
    api.revisions.invalidate()
    return _answer(template, done)


async def _text(request: Request) -> str:
    kind = request.headers.get("content-type", "application/yaml").partition(";")[0].strip().lower()
    if kind not in KINDS:
        raise ApiProblem(415, f"the body is {kind}", hint="send YAML or JSON: Content-Type: application/yaml")
    raw = await read_body(request, TEMPLATE_LIMIT)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ApiProblem(422, f"the template is not UTF-8: {error.reason} at byte {error.start}") from None


def _load(text: str) -> Template:
    try:
        return load_template(text, SOURCE)
    except TemplateInvalid as error:
        raise bad_template(error.problems) from None


def _answer(template: Template, done: Registration) -> Response:
    if done.outcome == "conflict":
        raise ApiProblem(
            409,
            f"template '{template.namespace_name}/{template.name}' {template.version} is registered with "
            "other content",
            hint="raise its version; or register it with ?replace=true, which changes what new tasks do",
        )
    registration = TemplateRegistration(
        outcome=done.outcome,
        namespace=template.namespace_name,
        name=template.name,
        version=template.version,
        revision_id=done.revision_id,
        content_hash=content_hash(template),
        step_count=len(template.steps),
    )
    return answer(registration, 201 if done.outcome == "created" else 200)


@router.get("/{namespace}/{name}", response_class=Response, responses=documented(404, ok=TemplateRevision))
async def read_newest(namespace: str, name: str, api: Api) -> Response:
    """The newest version of a template."""
    return await _read(api, namespace, name, None)


@router.get(
    "/{namespace}/{name}/{version}", response_class=Response, responses=documented(404, ok=TemplateRevision)
)
async def read_template(namespace: str, name: str, version: str, api: Api) -> Response:
    """One version of a template, with the whole of it as `configuration`."""
    return await _read(api, namespace, name, version)


async def _read(api: Api, namespace: str, name: str, version: str | None) -> Response:
    async with api.database.acquire() as conn:
        found = await get_template(conn, namespace, name, version)
        if found is None:
            known = await template_names(conn, namespace)
            what = f"template '{namespace}/{name}'" + (f" {version}" if version else "")
            raise not_found(what, did_you_mean(name, [one for one in known if one != name]))
    return answer(found)
