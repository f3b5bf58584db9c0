"""Webhooks and their deliveries, as calls for either client."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json

from engine.client.calls import Call, Id, given
from engine.model.wire.webhooks import (
    DeliveryChange,
    DeliveryPage,
    Webhook,
    WebhookChange,
    WebhookCreate,
    WebhookDelivery,
    WebhookList,
    WebhookRemoval,
    WebhookUpdate,
)

_PLACE = "/v1/webhooks"


def list_webhooks() -> Call[WebhookList]:
    """All webhooks."""
    return Call("GET", _PLACE, WebhookList.model_validate_json)


def get_webhook(webhook: Id) -> Call[Webhook]:
    """One webhook."""
    return Call("GET", f"{_PLACE}/{webhook}", Webhook.model_validate_json)


def add_webhook(**fields: Any) -> Call[WebhookChange]:
    """Register an address; the fields of `WebhookCreate`. Raises pydantic.ValidationError for wrong ones."""
    body = _content(WebhookCreate.model_validate(fields))
    return Call("POST", _PLACE, WebhookChange.model_validate_json, content=body)


def change_webhook(webhook: Id, **fields: Any) -> Call[WebhookChange]:
    """Change a webhook; the fields of `WebhookUpdate`. Raises pydantic.ValidationError for wrong ones."""
    body = _content(WebhookUpdate.model_validate(fields))
    return Call("PATCH", f"{_PLACE}/{webhook}", WebhookChange.model_validate_json, content=body)


def remove_webhook(
    webhook: Id, *, actor: str, reason: str = "removed by hand", dry_run: bool = False
) -> Call[WebhookChange]:
    """Remove a webhook and the log of its calls."""
    body = _content(WebhookRemoval(actor=actor, reason=reason, dry_run=dry_run))
    return Call("DELETE", f"{_PLACE}/{webhook}", WebhookChange.model_validate_json, content=body)


def ping_webhook(webhook: Id, *, actor: str) -> Call[DeliveryChange]:
    """Call a webhook with a ping."""
    body = _content(WebhookRemoval(actor=actor))
    return Call("POST", f"{_PLACE}/{webhook}/test", DeliveryChange.model_validate_json, content=body)


def list_deliveries(
    webhook: Id, *, state: str | None = None, before: Id | None = None, limit: int = 50
) -> Call[DeliveryPage]:
    """What a webhook was told, the newest first."""
    params = given(state=state, before=before, limit=limit)
    return Call("GET", f"{_PLACE}/{webhook}/deliveries", DeliveryPage.model_validate_json, params)


def get_delivery(webhook: Id, delivery: Id) -> Call[WebhookDelivery]:
    """One delivery with every attempt."""
    return Call("GET", f"{_PLACE}/{webhook}/deliveries/{delivery}", WebhookDelivery.model_validate_json)


def redeliver(webhook: Id, delivery: Id, *, actor: str) -> Call[DeliveryChange]:
    """Make a delivery again."""
    path = f"{_PLACE}/{webhook}/deliveries/{delivery}/redeliver"
    content = _content(WebhookRemoval(actor=actor))
    return Call("POST", path, DeliveryChange.model_validate_json, content=content)


def _content(body: BaseModel) -> bytes:
    return to_json(body.model_dump(mode="json", exclude_unset=True))
