"""Loading a worker's handlers and templates from where the settings say."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from engine.model.template_errors import TemplateInvalid, explain
from engine.model.template_yaml import read_yaml
from engine.model.templates import Handler, Template, load_template
from engine.store.pool import Connection
from engine.store.registration import register_template
from workers.errors import HandlerNotFound
from workers.invocation import resolve
from workers.near import did_you_mean
from workers.registry import HandlerRegistry
from workers.resolvers import HandlerDefinition
from workers.runtime.domain_events import publisher_problem

log = logging.getLogger("tasker.worker")


@dataclass(slots=True)
class Loaded:
    """The templates that a worker serves, and what is wrong with the others, a sentence each.

    `files` says where each was read, `outcomes` what its registration came to; both by `title_of`. `missing`
    is what their steps need and the worker has not.
    """

    templates: list[Template] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def namespaces(self) -> list[str]:
        """The namespaces of the templates."""
        return sorted({template.namespace_name for template in self.templates})


def title_of(template: Template) -> str:
    """`travel/booking 1.0.0`."""
    return f"{template.namespace_name}/{template.name} {template.version}"


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
        title = title_of(template)
        loaded.outcomes[title] = registration.outcome
        if registration.outcome == "conflict":
            loaded.problems.append(
                f"template {title} is registered with other content: raise its version, or run the worker "
                "with worker.replace_templates"
            )
        log.info("template %s: %s", title, registration.outcome)


def missing_publishers(templates: Iterable[Template]) -> list[str]:
    """What templates name as publisher of an event and this worker does not have, a sentence each."""
    return [
        f"template {title_of(template)}: step '{step.name}': {error}"
        for template in templates
        for step in template.steps
        for name in dict.fromkeys(event.publisher for event in step.publishes_events)
        if (error := publisher_problem(name)) is not None
    ]


def missing_handlers(loaded: Loaded, registry: HandlerRegistry) -> list[str]:
    """What steps name as their handler and this worker cannot run, a sentence each.

    Each begins with the file and the line where the name stands.
    """
    return [
        f"{_line_of(loaded.files[title_of(template)], index)}: step '{step.name}': {reason}"
        for template in loaded.templates
        for index, step in enumerate(template.steps)
        if (reason := _unusable(registry, step.handler)) is not None
    ]


def _unusable(registry: HandlerRegistry, wanted: Handler) -> str | None:
    try:
        resolve(registry, HandlerDefinition(wanted.callable, wanted.method, wanted.resolver))
    except HandlerNotFound as error:
        if type(error) is not HandlerNotFound:
            return str(error)
        near = did_you_mean(wanted.callable, registry.list_handlers())
        return f"no handler named '{wanted.callable}' is registered.{near}"
    return None


def _line_of(file: Path, step: int) -> str:
    """`file:line` of a step's handler; the file alone if it has changed since, and cannot be read."""
    try:
        mark = read_yaml(file.read_text(encoding="utf-8"), str(file)).mark
    except (OSError, UnicodeDecodeError, TemplateInvalid):
        return str(file)
    return f"{file}:{mark.at(('steps', step, 'handler', 'callable')).line}"


def _load_file(file: Path, loaded: Loaded) -> None:
    try:
        template = load_template(file.read_text(encoding="utf-8"), str(file))
        loaded.templates.append(template)
        loaded.files[title_of(template)] = file
    except TemplateInvalid as error:
        loaded.problems += [explain(problem) for problem in error.problems]
    except (OSError, UnicodeDecodeError) as error:
        loaded.problems.append(f"{file}: {error}")
