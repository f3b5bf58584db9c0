"""Webhooks and their deliveries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from pydantic_core import from_json, to_json

from engine.model.webhooks import PING
from engine.model.wire.webhooks import (
    DeliveryAttempt,
    DeliveryPage,
    DeliveryState,
    Webhook,
    WebhookDelivery,
    WebhookList,
)
from engine.store.pool import Connection, Pool

_WEBHOOK = """
    SELECT w.webhook_uuid, w.url, w.events, w.namespace, w.template, w.description, w.enabled,
           w.created_by, w.updated_by, w.reason, w.created_at, w.updated_at,
           (SELECT count(*)::int FROM tasker.webhook_deliveries d
            WHERE d.webhook_uuid = w.webhook_uuid AND d.state = 'pending') AS pending_deliveries
    FROM tasker.webhooks w
"""
_DELIVERY = """
    SELECT delivery_uuid, webhook_uuid, event, task_uuid, state, attempts, next_at, payload, log, created_at,
           updated_at
    FROM tasker.webhook_deliveries
"""


class NewWebhook(NamedTuple):
    """What is stored of a webhook."""

    url: str
    events: list[str]
    namespace: str | None
    template: str | None
    description: str | None
    secret: str
    enabled: bool


class DueDelivery(NamedTuple):
    """A call that this engine is to make. `attempt` counts from 1; `at` is the time of the database."""

    delivery_uuid: UUID
    webhook_uuid: UUID
    url: str
    secret: str
    body: str
    attempt: int
    at: datetime


async def find_webhook(
    conn: Connection, url: str, namespace: str | None, template: str | None
) -> Webhook | None:
    """The webhook of this address for these tasks."""
    row = await conn.fetchrow(
        f"{_WEBHOOK} WHERE (url, namespace, template) IS NOT DISTINCT FROM ($1::text, $2::text, $3::text)",
        url,
        namespace,
        template,
    )
    return None if row is None else Webhook.model_validate(dict(row))


async def add_webhook(conn: Connection, new: NewWebhook, actor: str, reason: str) -> UUID | None:
    """Store a webhook; None if there is one of this address for these tasks."""
    made: UUID | None = await conn.fetchval(
        """
        INSERT INTO tasker.webhooks (webhook_uuid, url, events, namespace, template, description, secret,
                                     enabled, created_by, updated_by, reason, created_at, updated_at)
        VALUES (tasker.uuid7(), $1, $2, $3, $4, $5, $6, $7, $8, $8, $9, tasker.now(), tasker.now())
        ON CONFLICT DO NOTHING RETURNING webhook_uuid
        """,
        *new,
        actor,
        reason,
    )
    return made


async def list_webhooks(conn: Connection) -> WebhookList:
    """All webhooks, the oldest first."""
    rows = await conn.fetch(f"{_WEBHOOK} ORDER BY w.webhook_uuid")
    return WebhookList(webhooks=[Webhook.model_validate(dict(row)) for row in rows])


async def get_webhook(conn: Connection, webhook: UUID) -> Webhook | None:
    """One webhook."""
    row = await conn.fetchrow(f"{_WEBHOOK} WHERE w.webhook_uuid = $1", webhook)
    return None if row is None else Webhook.model_validate(dict(row))


async def change_webhook(
    conn: Connection, webhook: UUID, fields: dict[str, Any], actor: str, reason: str
) -> bool:
    """Change url, events, description, secret or enabled; returns whether anything is other than before.

    Raises asyncpg.UniqueViolationError when another webhook has the address for the same tasks.
    """
    names = ("url", "events", "description", "secret", "enabled")
    changed = await conn.fetchval(
        """
        UPDATE tasker.webhooks w
        SET url = n.url, events = n.events, description = n.description, secret = n.secret,
            enabled = n.enabled, updated_by = $2, reason = $3, updated_at = tasker.now()
        FROM (SELECT coalesce($4, url) AS url, coalesce($5, events) AS events,
                     coalesce($6, description) AS description, coalesce($7, secret) AS secret,
                     coalesce($8, enabled) AS enabled
              FROM tasker.webhooks WHERE webhook_uuid = $1) n
        WHERE w.webhook_uuid = $1
          AND (w.url, w.events, w.description, w.secret, w.enabled) IS DISTINCT FROM
              (n.url, n.events, n.description, n.secret, n.enabled)
        RETURNING w.webhook_uuid
        """,
        webhook,
        actor,
        reason,
        *(fields.get(name) for name in names),
    )
    return changed is not None


async def remove_webhook(conn: Connection, webhook: UUID) -> bool:
    """Forget a webhook and its deliveries."""
    found = await conn.execute("DELETE FROM tasker.webhooks WHERE webhook_uuid = $1", webhook)
    await conn.execute("DELETE FROM tasker.webhook_deliveries WHERE webhook_uuid = $1", webhook)
    return found == "DELETE 1"


async def add_ping(conn: Connection, webhook: UUID, actor: str) -> UUID:
    """Have a webhook called without a reason."""
    made: UUID = await conn.fetchval(
        """
        INSERT INTO tasker.webhook_deliveries (delivery_uuid, webhook_uuid, event, payload, next_at,
                                               created_at, updated_at)
        SELECT tasker.uuid7(), $1, $2,
               jsonb_build_object(
                   'type', $2::text, 'data', jsonb_build_object('by', $3::text),
                   'timestamp', to_char(n AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
               n, n, n
        FROM tasker.now() AS n
        RETURNING delivery_uuid
        """,
        webhook,
        PING,
        actor,
    )
    return made


async def redeliver(conn: Connection, delivery: UUID) -> bool:
    """Have a delivery made again from the first attempt on; False if it is still to be made."""
    found = await conn.fetchval(
        """
        UPDATE tasker.webhook_deliveries
        SET state = 'pending', attempts = 0, next_at = tasker.now(), updated_at = tasker.now()
        WHERE delivery_uuid = $1 AND state <> 'pending' RETURNING delivery_uuid
        """,
        delivery,
    )
    return found is not None


async def list_deliveries(
    conn: Connection, webhook: UUID, *, state: DeliveryState | None, before: UUID | None, limit: int
) -> DeliveryPage:
    """What a webhook was told, or is to be, the newest first."""
    rows = await conn.fetch(
        f"""
        {_DELIVERY} WHERE webhook_uuid = $1 AND ($2::text IS NULL OR state = $2)
                      AND ($3::uuid IS NULL OR delivery_uuid < $3)
        ORDER BY delivery_uuid DESC LIMIT $4
        """,
        webhook,
        state,
        before,
        limit,
    )
    found = [_delivery(row) for row in rows]
    return DeliveryPage(deliveries=found, next=found[-1].delivery_uuid if len(found) == limit else None)


async def get_delivery(conn: Connection, webhook: UUID, delivery: UUID) -> WebhookDelivery | None:
    """One delivery of a webhook."""
    row = await conn.fetchrow(
        f"{_DELIVERY} WHERE webhook_uuid = $1 AND delivery_uuid = $2", webhook, delivery
    )
    return None if row is None else _delivery(row)


async def take_due(
    pool: Pool, limit: int, each: int, busy: list[UUID], lease: timedelta
) -> list[DueDelivery]:
    """Calls for this engine to make, at most `each` of one webhook and none of the `busy` ones."""
    rows = await pool.fetch("SELECT * FROM tasker.take_deliveries($1, $2, $3, $4)", limit, each, busy, lease)
    return [DueDelivery(*row) for row in rows]


async def keep_attempt(
    pool: Pool,
    due: DueDelivery,
    attempt: DeliveryAttempt,
    state: DeliveryState,
    again_in: timedelta | None,
) -> None:
    """Write down what became of a call, unless another engine has taken it over meanwhile."""
    await pool.execute(
        """
        UPDATE tasker.webhook_deliveries
        SET state = $3, next_at = tasker.now() + $4::interval, log = log || $5::jsonb,
            updated_at = tasker.now()
        WHERE delivery_uuid = $1 AND attempts = $2 AND state = 'pending'
        """,
        due.delivery_uuid,
        due.attempt,
        state,
        again_in,
        to_json([attempt]).decode(),
    )


async def switch_off(pool: Pool, webhook: UUID, reason: str) -> None:
    """No longer call a webhook; what it was to be told fails."""
    await pool.execute(
        """
        WITH off AS (
            UPDATE tasker.webhooks SET enabled = false, updated_by = 'engine', reason = $2,
                                       updated_at = tasker.now()
            WHERE webhook_uuid = $1 RETURNING webhook_uuid)
        UPDATE tasker.webhook_deliveries d SET state = 'failed', next_at = NULL, updated_at = tasker.now()
        FROM off WHERE d.webhook_uuid = off.webhook_uuid AND d.state = 'pending'
        """,
        webhook,
        reason,
    )


async def forget_deliveries(pool: Pool, older_than: timedelta) -> None:
    """Drop what was delivered, or failed, long ago, and what has waited as long for a webhook that is off."""
    await pool.execute(
        "DELETE FROM tasker.webhook_deliveries WHERE created_at < tasker.now() - $1::interval", older_than
    )


async def delivery_counts(conn: Connection) -> dict[str, int]:
    """How many deliveries are kept in each state."""
    rows = await conn.fetch("SELECT state, count(*)::int FROM tasker.webhook_deliveries GROUP BY 1")
    return {row[0]: row[1] for row in rows}


def _delivery(row: asyncpg.Record) -> WebhookDelivery:
    fields = dict(row)
    return WebhookDelivery.model_validate(
        fields | {"payload": from_json(fields["payload"]), "log": from_json(fields["log"])}
    )
