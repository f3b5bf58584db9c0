"""The routes of the worker's port that tell of the templates that it serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from fastapi import APIRouter, HTTPException

from engine.model.templates import StepType
from engine.model.wire.details import TemplateRevision
from engine.model.wire.worker import TemplateListResponse, TemplateValidationResponse
from engine.store.pool import Pool
from engine.store.step_definitions import StepDefinition, load_revision
from engine.store.templates import get_template, list_templates
from workers.errors import HandlerNotFound
from workers.invocation import resolve
from workers.registry import HandlerRegistry
from workers.resolvers import HandlerDefinition
from workers.runtime.domain_events import publisher_problem
from workers.runtime.worker import Worker

CAPABILITIES = sorted(get_args(StepType))
"""The types of steps that this kind of worker runs."""


def template_routes(worker: Worker, pool: Pool, registry: HandlerRegistry) -> APIRouter:
    """List, show, and check whether this worker could run all steps."""
    routes = APIRouter(prefix="/v1/templates", tags=["templates"])

    @routes.get("")
    async def list_all(
        namespace: str | None = None, include_cache_stats: bool = False
    ) -> TemplateListResponse:
        served = worker.identity.namespaces
        async with pool.acquire() as conn:
            templates = (await list_templates(conn, namespace)).templates
        return TemplateListResponse(
            supported_namespaces=served,
            template_count=sum(template.namespace in served for template in templates),
            cache_stats=worker.cache_stats if include_cache_stats else None,
            worker_capabilities=CAPABILITIES,
        )

    @routes.get("/{namespace}/{name}/{version}")
    async def show(namespace: str, name: str, version: str) -> TemplateRevision:
        return await _found(pool, namespace, name, version)

    @routes.post("/{namespace}/{name}/{version}/validate")
    async def validate(namespace: str, name: str, version: str) -> TemplateValidationResponse:
        template = await _found(pool, namespace, name, version)
        async with pool.acquire() as conn:
            steps = await load_revision(conn, template.revision_id)
        errors = [f"step '{step.name}': {error}" for step in steps for error in _errors(registry, step)]
        if namespace not in worker.identity.namespaces:
            errors.append(f"this worker does not serve namespace '{namespace}'")
        return TemplateValidationResponse(
            valid=not errors,
            errors=errors,
            required_capabilities=sorted({step.step_type for step in steps}),
            step_handlers=sorted({step.handler for step in steps}),
        )

    return routes


async def _found(pool: Pool, namespace: str, name: str, version: str) -> TemplateRevision:
    async with pool.acquire() as conn:
        template = await get_template(conn, namespace, name, version)
    if template is None:
        raise HTTPException(404, f"there is no template '{namespace}/{name}' of version '{version}'")
    return template


def _errors(registry: HandlerRegistry, step: StepDefinition) -> Iterator[str]:
    wanted = HandlerDefinition(step.handler, step.method, step.resolver, step.initialization)
    try:
        resolve(registry, wanted)
    except HandlerNotFound as error:
        yield str(error)
    for publisher in dict.fromkeys(event["publisher"] for event in step.events):
        if (problem := publisher_problem(publisher)) is not None:
            yield problem
