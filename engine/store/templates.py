"""Reading the registered templates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from engine.model.payload import load_json
from engine.model.wire.details import TemplateRevision
from engine.model.wire.tasks import (
    NamespaceSummary,
    StepDefinition,
    TemplateListResponse,
    TemplateSummary,
)
from engine.store.pool import Connection


class TemplateKey(NamedTuple):
    """What a template's current revision is found by, and what the ids are."""

    namespace: str
    name: str
    version: str
    template_id: int
    revision_id: int


def precedence(version: str) -> tuple[object, ...]:
    """Sorts semantic versions: 1.9.0 before 1.10.0, 2.0.0-rc.1 before 2.0.0. Build numbers do not count."""
    release, _, pre = version.partition("+")[0].partition("-")
    numbers = tuple(int(part) if part.isdigit() else 0 for part in release.split("."))
    parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split("."))
    return numbers, not pre, parts


def newest(versions: Iterable[str]) -> str:
    """The highest of some versions, of which there is at least one."""
    return max(versions, key=precedence)


async def current_revisions(conn: Connection) -> list[TemplateKey]:
    """Every template with the revision that new tasks are created from."""
    rows = await conn.fetch(
        "SELECT namespace, name, version, template_id, revision_id FROM tasker.templates "
        "WHERE revision_id IS NOT NULL"
    )
    return [TemplateKey(*row) for row in rows]


async def list_templates(conn: Connection, namespace: str | None = None) -> TemplateListResponse:
    """The templates and the namespaces that they are in, by name, the newest version first."""
    rows = await conn.fetch(
        """
        SELECT t.namespace, t.name, t.version, t.description, n.description AS namespace_description,
               (SELECT count(*)::int FROM tasker.template_steps s
                WHERE s.revision_id = t.revision_id) AS step_count
        FROM tasker.templates t JOIN tasker.namespaces n ON n.name = t.namespace
        WHERE $1::text IS NULL OR t.namespace = $1
        """,
        namespace,
    )
    templates = [TemplateSummary(**{key: row[key] for key in TemplateSummary.model_fields}) for row in rows]
    templates.sort(key=lambda one: precedence(one.version), reverse=True)
    templates.sort(key=lambda one: (one.namespace, one.name))
    descriptions = {row["namespace"]: row["namespace_description"] for row in rows}
    namespaces = [
        NamespaceSummary(
            name=name,
            description=description,
            template_count=sum(one.namespace == name for one in templates),
        )
        for name, description in sorted(descriptions.items())
    ]
    return TemplateListResponse(namespaces=namespaces, templates=templates, total_count=len(templates))


async def get_template(
    conn: Connection, namespace: str, name: str, version: str | None = None
) -> TemplateRevision | None:
    """One template, the newest version of it without `version`; None if there is none."""
    rows = await conn.fetch(
        """
        SELECT t.name, t.namespace, t.version, t.description, t.identity_strategy, t.revision_id,
               r.configuration, r.content_hash, r.created_at AS registered_at
        FROM tasker.templates t JOIN tasker.template_revisions r USING (revision_id)
        WHERE t.namespace = $1 AND t.name = $2 AND ($3::text IS NULL OR t.version = $3)
        """,
        namespace,
        name,
        version,
    )
    if not rows:
        return None
    row = max(rows, key=lambda one: precedence(one["version"]))
    steps = await conn.fetch(
        """
        SELECT name, description, retryable AS default_retryable, max_attempts AS default_max_attempts
        FROM tasker.template_steps WHERE revision_id = $1 ORDER BY position
        """,
        row["revision_id"],
    )
    fields = {**row, "configuration": load_json(row["configuration"])}
    return TemplateRevision(**fields, steps=[StepDefinition(**step) for step in steps])


async def template_names(conn: Connection, namespace: str) -> list[str]:
    """The names of a namespace's templates, for a hint to who misspelt one."""
    rows = await conn.fetch("SELECT DISTINCT name FROM tasker.templates WHERE namespace = $1", namespace)
    return [row[0] for row in rows]
