"""Pause and resume a task, a template or a namespace: what runs ends, and nothing new is claimed."""

from __future__ import annotations

import logging
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from engine.api.answers import answer, documented, json_body
from engine.api.bodies import parse, read_json
from engine.api.errors import ApiProblem, not_found
from engine.api.services import Api, Services
from engine.messaging.channels import READY
from engine.model.wire.pauses import PauseAnswer, PauseList, PauseRequest
from engine.store import pauses
from engine.store.pauses import Pausable
from engine.store.pool import Connection, retry_deadlock

log = logging.getLogger("tasker.api")

router = APIRouter(prefix="/v1", tags=["pauses"])

BODY = json_body(PauseRequest, required=False)
ANSWERS = documented(400, 404, 415, 422, ok=PauseAnswer)


@router.get("/pauses", response_class=Response, responses=documented(ok=PauseList))
async def read_pauses(api: Api) -> Response:
    """Everything that is paused, the oldest first."""
    async with api.database.acquire() as conn:
        return answer(await pauses.list_pauses(conn))


@router.post("/tasks/{task_uuid}/pause", response_class=Response, responses=ANSWERS, openapi_extra=BODY)
async def pause_task(task_uuid: UUID, request: Request, api: Api) -> Response:
    """Pause a task that has not ended."""
    body = await _body(request)
    async with api.database.acquire() as conn:
        task, ended = await _task(conn, task_uuid)
        if ended:
            raise ApiProblem(400, f"task {task_uuid} has ended: there is nothing to pause")
        return await _pause(conn, task, body)


@router.post("/tasks/{task_uuid}/resume", response_class=Response, responses=ANSWERS, openapi_extra=BODY)
async def resume_task(task_uuid: UUID, request: Request, api: Api) -> Response:
    """Let a paused task go on."""
    body = await _body(request)
    async with api.database.acquire() as conn:
        task, _ = await _task(conn, task_uuid)
        return await _resume(api, conn, task, body)


@router.post(
    "/templates/{namespace}/{name}/{version}/pause",
    response_class=Response,
    responses=ANSWERS,
    openapi_extra=BODY,
)
async def pause_template(namespace: str, name: str, version: str, request: Request, api: Api) -> Response:
    """Pause all tasks of one version of a template, those too that are created later."""
    body = await _body(request)
    async with api.database.acquire() as conn:
        return await _pause(conn, await _template(conn, namespace, name, version), body)


@router.post(
    "/templates/{namespace}/{name}/{version}/resume",
    response_class=Response,
    responses=ANSWERS,
    openapi_extra=BODY,
)
async def resume_template(namespace: str, name: str, version: str, request: Request, api: Api) -> Response:
    """Let the tasks of a paused template go on."""
    body = await _body(request)
    async with api.database.acquire() as conn:
        return await _resume(api, conn, await _template(conn, namespace, name, version), body)


@router.post("/namespaces/{namespace}/pause", response_class=Response, responses=ANSWERS, openapi_extra=BODY)
async def pause_namespace(namespace: str, request: Request, api: Api) -> Response:
    """Pause a namespace: its workers finish what they run and claim nothing more of it."""
    body = await _body(request)
    async with api.database.acquire() as conn:
        return await _pause(conn, await _namespace(conn, namespace), body)


@router.post("/namespaces/{namespace}/resume", response_class=Response, responses=ANSWERS, openapi_extra=BODY)
async def resume_namespace(namespace: str, request: Request, api: Api) -> Response:
    """Let a paused namespace go on."""
    body = await _body(request)
    async with api.database.acquire() as conn:
        return await _resume(api, conn, await _namespace(conn, namespace), body)


async def _body(request: Request) -> PauseRequest:
    raw = await read_json(request)
    return parse(PauseRequest, raw) if raw else PauseRequest()


async def _task(conn: Connection, task_uuid: UUID) -> tuple[Pausable, bool]:
    found = await pauses.find_task(conn, task_uuid)
    if found is None:
        raise not_found(f"task {task_uuid}")
    return found


async def _template(conn: Connection, namespace: str, name: str, version: str) -> Pausable:
    found = await pauses.find_template(conn, namespace, name, version)
    if found is None:
        raise not_found(
            f"template {namespace}/{name} version {version}",
            "GET /v1/templates lists those that are registered",
        )
    return found


async def _namespace(conn: Connection, name: str) -> Pausable:
    found = await pauses.find_namespace(conn, name)
    if found is None:
        raise not_found(f"namespace {name}", "GET /v1/templates lists the namespaces that have templates")
    return found


async def _pause(conn: Connection, what: Pausable, body: PauseRequest) -> Response:
    if body.dry_run:
        changed = not await pauses.is_paused(conn, what)
    else:
        changed = await retry_deadlock(lambda: pauses.pause(conn, what, body.actor, body.reason))
    return answer(PauseAnswer(paused=True, changed=changed, dry_run=body.dry_run))


async def _resume(api: Services, conn: Connection, what: Pausable, body: PauseRequest) -> Response:
    if body.dry_run:
        changed = await pauses.is_paused(conn, what)
    else:
        changed = await retry_deadlock(lambda: pauses.resume(conn, what))
        log.info("%s resumed %s: %s", body.actor, what, body.reason)  # the row that said so is gone
        api.notifier.wake(READY)
    return answer(PauseAnswer(paused=False, changed=changed, dry_run=body.dry_run))
