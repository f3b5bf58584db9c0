"""Registering a template: the way of workers at their start and of `POST /v1/templates`."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, NamedTuple

from engine.model.payload import dump_json
from engine.model.plan import compile_plan
from engine.model.templates import Template, content_hash
from engine.store.pool import Connection

TEMPLATE_LIMIT = 16 * 1024 * 1024
TEMPLATES_CHANNEL = "tasker_templates"


class Registration(NamedTuple):
    """What registering led to. 'conflict': the version exists with other content, and nothing was stored."""

    outcome: Literal["created", "unchanged", "replaced", "conflict"]
    template_id: int
    revision_id: int


def queue_name(namespace: str) -> str:
    """The queue that carries a namespace's messages (reference 4)."""
    return f"worker_{namespace.lower()}_queue"


async def register_template(
    conn: Connection, template: Template, *, environment: str, replace: bool, queue_here: bool = True
) -> Registration:
    """Store a template and make it the one that new tasks of its version are created from.

    A new namespace gets a PGMQ queue in this database, unless its messages go elsewhere (not `queue_here`).

    Tasks that exist keep the revision that they were created from. Whoever listens on `tasker_templates` is
    told when something changed.
    """
    ttl = template.identity_ttl_seconds
    row = await conn.fetchrow(
        "SELECT * FROM tasker.register_template($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        template.namespace_name,
        template.name,
        template.version,
        template.description,
        template.identity_strategy,
        None if ttl is None else timedelta(seconds=ttl),
        content_hash(template),
        environment,
        dump_json(template.configuration(), limit_bytes=TEMPLATE_LIMIT),
        dump_json(compile_plan(template, environment).to_rows(), limit_bytes=TEMPLATE_LIMIT),
        replace,
        queue_name(template.namespace_name) if queue_here else None,
    )
    assert row is not None
    registration = Registration(*row)
    if registration.outcome in ("created", "replaced"):
        await conn.execute("SELECT pg_notify($1, '')", TEMPLATES_CHANNEL)
    return registration
