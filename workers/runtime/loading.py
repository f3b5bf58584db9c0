"""Loading a worker's handlers and templates from where the settings say."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from engine.model.template_errors import TemplateInvalid, explain
from engine.model.templates import Template, load_template
from engine.store.pool import Connection
from engine.store.registration import register_template
from workers.registry import HandlerRegistry
from workers.runtime.domain_events import publisher_problem

log = logging.getLogger("tasker.worker")


@dataclass(slots=True)
class Loaded:
    """The templates that a worker serves, and what is wrong with the others, a sentence each."""

    templates: list[Template] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def namespaces(self) -> list[str]:
        """The namespaces of the templates."""
        return sorted({template.namespace_name for template in self.templates})


def load_handlers(registry: HandlerRegistry, sources: Iterable[str]) -> list[str]:
    """Import handlers; answers what could not be imported."""
    for source in sources:
        count = registry.discover_handlers(source)
        log.info("%d handlers from %s", count, source)
    return [str(error) for error in registry.import_errors]


def load_templates(sources: Iterable[str]) -> Loaded:
    """Read all templates below some folders (or single files). One that is wrong does not stop the others."""
    loaded = Loaded()
    for source in sources:
        path = Path(source).expanduser()
        if not path.exists():
            loaded.problems.append(f"{path}: no such folder or file of templates")
            continue
        files = [path] if path.is_file() else sorted((*path.rglob("*.yaml"), *path.rglob("*.yml")))
        for file in files:
            _load_file(file, loaded)
    return loaded


async def register_all(
    conn: Connection, loaded: Loaded, *, environment: str, replace: bool, queue_here: bool
) -> None:
    """Register templates. One whose version exists with other content is a problem, not a change."""
    for template in loaded.templates:
        registration = await register_template(
            conn, template, environment=environment, replace=replace, queue_here=queue_here
        )
        if registration.outcome == "conflict":
            loaded.problems.append(
                f"template {template.namespace_name}/{template.name} {template.version} is registered with "
                "other content: raise its version, or run the worker with worker.replace_templates"
            )
        log.info(
            "template %s/%s %s: %s", template.namespace_name, template.name, template.version, registration[0]
        )


def missing_publishers(templates: Iterable[Template]) -> list[str]:
    """What templates name as publisher of an event and this worker does not have, a sentence each."""
    return [
        f"template {template.namespace_name}/{template.name} {template.version}: step '{step.name}': {error}"
        for template in templates
        for step in template.steps
        for name in dict.fromkeys(event.publisher for event in step.publishes_events)
        if (error := publisher_problem(name)) is not None
    ]


def _load_file(file: Path, loaded: Loaded) -> None:
    try:
        loaded.templates.append(load_template(file.read_text(encoding="utf-8"), str(file)))
    except TemplateInvalid as error:
        loaded.problems += [explain(problem) for problem in error.problems]
    except (OSError, UnicodeDecodeError) as error:
        loaded.problems.append(f"{file}: {error}")
