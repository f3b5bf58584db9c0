"""Webhooks: who is called when a task fails or becomes a dead letter, and what came of each call."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from engine.api.answers import answer, documented, json_body
from engine.api.bodies import parse, read_json
from engine.api.errors import ApiProblem, not_found
from engine.api.services import Api
from engine.model.webhooks import new_secret
from engine.model.wire.webhooks import (
    DeliveryChange,
    DeliveryPage,
    DeliveryState,
    Webhook,
    WebhookChange,
    WebhookCreate,
    WebhookDelivery,
    WebhookList,
    WebhookRemoval,
    WebhookUpdate,
)
from engine.store import webhooks
from engine.store.pool import Connection, transaction
from engine.store.webhooks import NewWebhook

log = logging.getLogger("tasker.api")

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

T = TypeVar("T")


@router.get("", response_class=Response, responses=documented(ok=WebhookList))
async def list_webhooks(api: Api) -> Response:
    """The registered webhooks, the oldest first, without their secrets."""
    async with api.database.acquire() as conn:
        return answer(await webhooks.list_webhooks(conn))


@router.post(
    "",
    response_class=Response,
    responses=documented(400, 409, 415, 422, created=WebhookChange),
    openapi_extra=json_body(WebhookCreate),
)
async def add_webhook(request: Request, api: Api) -> Response:
    """Register an address. A secret that the server makes is in this answer, and in no other."""
    body = parse(WebhookCreate, await read_json(request))
    secret = body.secret or new_secret()
    new = NewWebhook(
        body.url, [*dict.fromkeys(body.events)], body.namespace, body.template, body.description, secret,
        body.enabled,
    )  # fmt: skip

    async def add(conn: Connection) -> WebhookChange:
        made = await webhooks.add_webhook(conn, new, body.actor, body.reason)
        there = await webhooks.find_webhook(conn, body.url, body.namespace, body.template)
        assert there is not None
        if made is None and set(there.events) != set(new.events):
            raise ApiProblem(
                409,
                f"webhook {there.webhook_uuid} has this address for the same tasks, with other events",
                hint=f"PATCH /v1/webhooks/{there.webhook_uuid} changes them",
            )
        shown = secret if made is not None and body.secret is None and not body.dry_run else None
        return WebhookChange(changed=made is not None, dry_run=body.dry_run, webhook=there, secret=shown)

    async with api.database.acquire() as conn:
        done = await _in_one(conn, add, dry_run=body.dry_run)
    if done.changed and not done.dry_run:
        log.info("%s registered webhook %s: %s", body.actor, done.webhook.webhook_uuid, body.reason)
    return answer(done, 201 if done.changed and not done.dry_run else 200)


@router.get("/{webhook_uuid}", response_class=Response, responses=documented(400, 404, ok=Webhook))
async def read_webhook(webhook_uuid: UUID, api: Api) -> Response:
    """One webhook."""
    async with api.database.acquire() as conn:
        return answer(await _webhook(conn, webhook_uuid))


@router.patch(
    "/{webhook_uuid}",
    response_class=Response,
    responses=documented(400, 404, 409, 415, 422, ok=WebhookChange),
    openapi_extra=json_body(WebhookUpdate),
)
async def change_webhook(webhook_uuid: UUID, request: Request, api: Api) -> Response:
    """Change a webhook; calls that wait go to its new address, signed with its new secret."""
    body = parse(WebhookUpdate, await read_json(request))
    fields = body.model_dump(exclude_none=True, exclude={"actor", "reason", "dry_run"})

    async def change(conn: Connection) -> WebhookChange:
        await _webhook(conn, webhook_uuid)
        try:
            changed = await webhooks.change_webhook(conn, webhook_uuid, fields, body.actor, body.reason)
        except asyncpg.UniqueViolationError:
            raise ApiProblem(409, "another webhook has this address for the same tasks") from None
        now = await _webhook(conn, webhook_uuid)
        return WebhookChange(changed=changed, dry_run=body.dry_run, webhook=now, secret=None)

    async with api.database.acquire() as conn:
        return answer(await _in_one(conn, change, dry_run=body.dry_run))


@router.delete(
    "/{webhook_uuid}",
    response_class=Response,
    responses=documented(400, 404, 415, 422, ok=WebhookChange),
    openapi_extra=json_body(WebhookRemoval, required=False),
)
async def remove_webhook(webhook_uuid: UUID, request: Request, api: Api) -> Response:
    """Remove a webhook, the calls that wait for it, and the log of its calls."""
    body = await _removal(request)

    async def remove(conn: Connection) -> WebhookChange:
        there = await _webhook(conn, webhook_uuid)
        changed = await webhooks.remove_webhook(conn, webhook_uuid)
        return WebhookChange(changed=changed, dry_run=body.dry_run, webhook=there, secret=None)

    async with api.database.acquire() as conn:
        done = await _in_one(conn, remove, dry_run=body.dry_run)
    if done.changed and not done.dry_run:
        log.info("%s removed webhook %s (%s): %s", body.actor, webhook_uuid, done.webhook.url, body.reason)
    return answer(done)


@router.post(
    "/{webhook_uuid}/test",
    response_class=Response,
    responses=documented(400, 404, 415, 422, ok=DeliveryChange),
    openapi_extra=json_body(WebhookRemoval, required=False),
)
async def ping_webhook(webhook_uuid: UUID, request: Request, api: Api) -> Response:
    """Call a webhook with the event `webhook.ping`; what came of it is in its deliveries."""
    body = await _removal(request)

    async def ping(conn: Connection) -> DeliveryChange:
        there = await _webhook(conn, webhook_uuid)
        if not there.enabled:
            raise ApiProblem(400, f"webhook {webhook_uuid} is switched off", hint="switch it on first")
        made = await webhooks.add_ping(conn, webhook_uuid, body.actor)
        delivery = await _delivery(conn, webhook_uuid, made)
        return DeliveryChange(changed=True, dry_run=body.dry_run, delivery=delivery)

    async with api.database.acquire() as conn:
        return answer(await _in_one(conn, ping, dry_run=body.dry_run))


@router.get(
    "/{webhook_uuid}/deliveries", response_class=Response, responses=documented(400, 404, ok=DeliveryPage)
)
async def list_deliveries(
    webhook_uuid: UUID,
    api: Api,
    state: DeliveryState | None = None,
    before: Annotated[UUID | None, Query(description="Only older ones: `next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """What a webhook was told, or is to be, with every attempt, the newest first."""
    async with api.database.acquire() as conn:
        await _webhook(conn, webhook_uuid)
        return answer(
            await webhooks.list_deliveries(conn, webhook_uuid, state=state, before=before, limit=limit)
        )


@router.get(
    "/{webhook_uuid}/deliveries/{delivery_uuid}",
    response_class=Response,
    responses=documented(400, 404, ok=WebhookDelivery),
)
async def read_delivery(webhook_uuid: UUID, delivery_uuid: UUID, api: Api) -> Response:
    """One delivery with every attempt."""
    async with api.database.acquire() as conn:
        return answer(await _delivery(conn, webhook_uuid, delivery_uuid))


@router.post(
    "/{webhook_uuid}/deliveries/{delivery_uuid}/redeliver",
    response_class=Response,
    responses=documented(400, 404, 415, 422, ok=DeliveryChange),
    openapi_extra=json_body(WebhookRemoval, required=False),
)
async def redeliver(webhook_uuid: UUID, delivery_uuid: UUID, request: Request, api: Api) -> Response:
    """Make a delivery again, with as many attempts as a new one; one that still waits is left alone."""
    body = await _removal(request)

    async def again(conn: Connection) -> DeliveryChange:
        await _delivery(conn, webhook_uuid, delivery_uuid)
        changed = await webhooks.redeliver(conn, delivery_uuid)
        now = await _delivery(conn, webhook_uuid, delivery_uuid)
        return DeliveryChange(changed=changed, dry_run=body.dry_run, delivery=now)

    async with api.database.acquire() as conn:
        return answer(await _in_one(conn, again, dry_run=body.dry_run))


async def _removal(request: Request) -> WebhookRemoval:
    raw = await read_json(request)
    return parse(WebhookRemoval, raw) if raw else WebhookRemoval()


async def _webhook(conn: Connection, webhook: UUID) -> Webhook:
    found = await webhooks.get_webhook(conn, webhook)
    if found is None:
        raise not_found(f"webhook {webhook}", "GET /v1/webhooks lists those that there are")
    return found


async def _delivery(conn: Connection, webhook: UUID, delivery: UUID) -> WebhookDelivery:
    found = await webhooks.get_delivery(conn, webhook, delivery)
    if found is None:
        raise not_found(f"delivery {delivery} of webhook {webhook}")
    return found


async def _in_one(conn: Connection, change: Callable[[Connection], Awaitable[T]], *, dry_run: bool) -> T:
    """Make a change in one transaction, which a dry run undoes."""
    async with transaction(conn, undo=dry_run):
        return await change(conn)
