"""The compiled steps of templates, as a worker needs them to run one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.model.payload import load_json
from engine.store.pool import Connection


@dataclass(frozen=True, slots=True)
class StepDefinition:
    """One step of one revision of a template. `parents` and `ancestors` are names; `events` is what it
    publishes: name, condition, delivery_mode, publisher and schema of each.

    `template_step_id` is below zero where an operator gave a step other settings: the edit's number.
    """

    template_step_id: int
    name: str
    namespace: str
    step_type: str
    handler: str
    method: str
    resolver: str | None
    initialization: dict[str, Any]
    max_attempts: int
    timeout_seconds: int | None
    parents: frozenset[str]
    ancestors: frozenset[str]
    retryable: bool
    events: list[dict[str, Any]]


async def load_definitions(conn: Connection, ids: Iterable[int]) -> list[StepDefinition]:
    """Read step definitions by their ids; those that don't exist are left out."""
    rows = await conn.fetch(
        """
        SELECT wanted.id AS template_step_id, s.name, s.namespace, s.step_type, s.handler, s.method,
               s.resolver, coalesce(e.new_settings, s.initialization) AS initialization, s.max_attempts,
               s.timeout_seconds, s.retryable, s.events,
               ARRAY (SELECT p.name FROM tasker.template_steps p
                      WHERE p.revision_id = s.revision_id AND p.position = ANY (s.parents)) AS parents,
               ARRAY (SELECT p.name FROM tasker.template_steps p
                      WHERE p.revision_id = s.revision_id AND p.position = ANY (s.ancestors)) AS ancestors
        FROM unnest($1::int[]) AS wanted(id)
        LEFT JOIN tasker.step_edits e ON e.edit_id = -wanted.id
        JOIN tasker.template_steps s ON s.template_step_id = coalesce(e.template_step_id, wanted.id)
        """,
        list(ids),
    )
    return [
        StepDefinition(
            **{
                **row,
                "initialization": load_json(row["initialization"]),
                "parents": frozenset(row["parents"]),
                "ancestors": frozenset(row["ancestors"]),
                "events": load_json(row["events"]) if row["events"] else [],
            }
        )
        for row in rows
    ]


async def load_revision(conn: Connection, revision_id: int) -> list[StepDefinition]:
    """Read all steps of a revision, in their order."""
    ids = await conn.fetchval(
        "SELECT array_agg(template_step_id) FROM tasker.template_steps WHERE revision_id = $1", revision_id
    )
    return sorted(await load_definitions(conn, ids or []), key=lambda step: step.template_step_id)


async def load_handlers(conn: Connection, namespaces: Iterable[str]) -> list[tuple[str, str, str | None]]:
    """The (handler, method, resolver) that the templates of some namespaces name.

    Earlier revisions count too: their tasks may still run.
    """
    rows = await conn.fetch(
        """
        SELECT DISTINCT s.handler, s.method, s.resolver
        FROM tasker.template_steps s
        WHERE s.namespace = ANY ($1)
        """,
        list(namespaces),
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def namespaces_naming(conn: Connection, handler: str) -> list[str]:
    """The namespaces whose templates name a handler."""
    rows = await conn.fetch(
        "SELECT DISTINCT namespace FROM tasker.template_steps WHERE handler = $1 ORDER BY namespace", handler
    )
    return [row["namespace"] for row in rows]


async def load_results(conn: Connection, task_uuid: UUID, names: Iterable[str]) -> dict[str, Any]:
    """The data of some finished steps of a task, by name; steps without a result are left out."""
    rows = await conn.fetch(
        """
        SELECT s.name, a.result
        FROM tasker.steps s
        JOIN tasker.step_attempts a
          ON a.task_uuid = s.task_uuid AND a.step_uuid = s.step_uuid AND a.claim_no = s.claim_no AND a.success
        WHERE s.task_uuid = $1 AND s.name = ANY ($2)
        """,
        task_uuid,
        list(names),
    )
    return {name: load_json(result) for name, result in rows if result is not None}
