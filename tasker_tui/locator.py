"""A place in the dashboard as a text: `tasks?state:failing`, `task/UUID`, `task/UUID/step/NAME`."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote
from uuid import UUID

from tasker_tui.filters import FilterError, TaskFilter, parse_filter

SHAPES = "tasks, tasks?FILTER, task/UUID or task/UUID/step/NAME"


class LocatorError(ValueError):
    """A locator that leads nowhere; the message says what one looks like."""


@dataclass(frozen=True, slots=True)
class Locator:
    """The list with a filter; or, with `task`, a task, and there a step by its name."""

    filter: TaskFilter = field(default_factory=TaskFilter)
    task: str | None = None
    step: str | None = None


def parse_locator(text: str) -> Locator:
    """Read a locator. Raises LocatorError."""
    place, _, query = text.strip().partition("?")
    match place.strip("/").split("/"):
        case ["tasks"] | [""]:
            try:
                return Locator(filter=parse_filter(unquote(query)))
            except FilterError as error:
                raise LocatorError(f"{text}: {error}") from None
        case ["task", uuid]:
            return Locator(task=_uuid(uuid))
        case ["task", uuid, "step", name] if name:
            return Locator(task=_uuid(uuid), step=unquote(name))
    raise LocatorError(f"{text!r} leads nowhere; a locator is {SHAPES}")


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise LocatorError(f"{text!r} is not a task's id; a locator is {SHAPES}") from None
