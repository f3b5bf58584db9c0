"""Webhooks as the REST API reads and answers them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, Field

from engine.model.webhooks import secret_key
from engine.model.wire.base import RequestModel, Timestamp, WireModel
from engine.model.wire.fields import NO_NUL, Name, Reason, Text255


class WebhookEvent(StrEnum):
    """What a webhook may hear of.

    `task.failed`: a task came to rest since a step of it failed for good, or ended in error.
    `dead_letter.created`: a task became a dead letter, for whatever cause.
    """

    TASK_FAILED = "task.failed"
    DEAD_LETTER_CREATED = "dead_letter.created"


def _an_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("it is no address") from None
    if not url.isascii():
        raise ValueError("it may hold ASCII alone: write other characters as %E2%82%AC, names as xn--…")
    try:
        (parts.hostname or "").encode("idna").decode("idna")
    except UnicodeError:
        raise ValueError("a part of its host name is empty or too long") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError("it has to begin with https:// or http:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it may not hold a user or a password: the signature says who calls")
    if parts.fragment:
        raise ValueError("it may not hold a fragment")
    return url


def _a_secret(secret: str) -> str:
    secret_key(secret)
    return secret


Url = Annotated[str, Field(max_length=2000, pattern=NO_NUL), AfterValidator(_an_address)]
Secret = Annotated[str, Field(max_length=200, pattern=NO_NUL), AfterValidator(_a_secret)]
Events = Annotated[list[WebhookEvent], Field(min_length=1, max_length=10)]


class WebhookCreate(RequestModel):
    """Body of `POST /v1/webhooks`. Without a `secret` the server makes one, and shows it this once."""

    url: Url
    events: Events
    namespace: Name | None = None
    template: Name | None = None
    description: Text255 | None = None
    secret: Secret | None = None
    enabled: bool = True
    actor: Text255 = "api"
    reason: Reason = "registered by hand"
    dry_run: bool = False


class WebhookUpdate(RequestModel):
    """Body of `PATCH /v1/webhooks/{id}`: what is left out stays as it is."""

    url: Url | None = None
    events: Events | None = None
    description: Text255 | None = None
    secret: Secret | None = None
    enabled: bool | None = None
    actor: Text255 = "api"
    reason: Reason = "changed by hand"
    dry_run: bool = False


class WebhookRemoval(RequestModel):
    """Body of `DELETE /v1/webhooks/{id}`, and of a test or a second delivery; may be left out."""

    actor: Text255 = "api"
    reason: Reason = "by hand"
    dry_run: bool = False


class Webhook(WireModel):
    """A registered webhook. Its secret is not shown."""

    webhook_uuid: UUID
    url: str
    events: list[str]
    namespace: str | None
    template: str | None
    description: str | None
    enabled: bool
    pending_deliveries: int
    created_by: str
    updated_by: str
    reason: str
    created_at: Timestamp
    updated_at: Timestamp


class WebhookChange(WireModel):
    """What a change did, or would do. `secret` is there when the server has just made one."""

    changed: bool
    dry_run: bool
    webhook: Webhook
    secret: str | None


class DeliveryAttempt(WireModel):
    """One call: the answer's `status` and the beginning of its body, or an `error` without an answer."""

    at: Timestamp
    status: int | None
    error: str | None
    response: str | None
    milliseconds: int


class DeliveryState(StrEnum):
    """`failed`: every attempt was, and there will be no other."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookDelivery(WireModel):
    """Something that a webhook is told. `delivery_uuid` is the header `webhook-id` of each attempt."""

    delivery_uuid: UUID
    webhook_uuid: UUID
    event: str
    task_uuid: UUID | None
    state: DeliveryState
    attempts: int
    next_at: Timestamp | None
    payload: Any
    log: list[DeliveryAttempt]
    created_at: Timestamp
    updated_at: Timestamp


class WebhookList(WireModel):
    """All webhooks, the oldest first."""

    webhooks: list[Webhook]


class DeliveryPage(WireModel):
    """Deliveries, the newest first; `next` is the `before` of the next page, null on the last one."""

    deliveries: list[WebhookDelivery]
    next: UUID | None


class DeliveryChange(WireModel):
    """What a test or a second delivery did, or would do."""

    changed: bool
    dry_run: bool
    delivery: WebhookDelivery
