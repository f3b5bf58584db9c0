"""A place in the dashboard as a text: `tasks?state:failing`, `failures`, `task/UUID/step/NAME`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote
from uuid import UUID

from tasker_tui.event_filter import EventFilterError, parse_event_filter
from tasker_tui.filters import FilterError, parse_filter


class LocatorError(ValueError):
    """A locator that leads nowhere; the message says what one looks like."""

    hint = ""


@dataclass(frozen=True, slots=True)
class Locator:
    """The name of a place, what it shows, and what that is narrowed to.

    `path` holds what follows the name, without escapes, in one of the shapes of `SHAPES`.
    """

    place: str = "tasks"
    path: tuple[str, ...] = ()
    query: str = ""

    @property
    def target(self) -> tuple[str, ...]:
        """What tells its screen from others: not the step under the cursor, nor a filter."""
        return (self.place, *(self.path[:1] if self.place == "task" else self.path))

    def __str__(self) -> str:
        """As `parse_locator` reads it."""
        query = f"?{quote(self.query, safe=':*,!~ ')}" if self.query else ""
        return "/".join((self.place, *(quote(part, safe="") for part in self.path))) + query


SHAPES = {
    "tasks": "tasks?FILTER",
    "task": "task/UUID/step/NAME",
    "step": "step/UUID/NAME",
    "failures": "failures",
    "letters": "letters",
    "bulk": "bulk",
    "queues": "queues",
    "workers": "workers",
    "templates": "templates",
    "template": "template/NAMESPACE/NAME/VERSION",
    "worker": "worker/UUID",
    "pulse": "pulse",
    "events": "events?FILTER",
    "stack": "stack",
    "runs": "runs/NAMESPACE/NAME/VERSION",
    "compare": "compare/UUID/UUID",
}
"""What a locator of each place looks like."""


def to_task(uuid: str, step: str | None = None) -> Locator:
    """The place of a task, with the cursor on a step."""
    return Locator("task", (uuid, "step", step) if step else (uuid,))


def to_step(uuid: str, name: str) -> Locator:
    """The place of a step of a task, in full."""
    return Locator("step", (uuid, name))


def tasks_at(places: Iterable[Locator | None]) -> list[str]:
    """The ids of the tasks that places are of."""
    return [where.path[0] for where in places if where and where.place in ("task", "step")]


def parse_locator(text: str) -> Locator:
    """Read a locator. Raises LocatorError."""
    before, _, query = text.strip().partition("?")
    place, *path = (unquote(part) for part in before.strip("/").split("/"))
    found = Locator(place or "tasks", tuple(path), unquote(query))
    match found.place, *found.path:
        case ["tasks"]:
            _check_filter(found.query)
            return found
        case ["events"]:
            _check_event_filter(found.query)
            return found
        case ["task", uuid] | ["task", uuid, "step", _]:
            return Locator("task", (_uuid(uuid), *found.path[1:]))
        case ["worker", uuid]:
            return Locator("worker", (_uuid(uuid, "worker"),))
        case ["step", uuid, name]:
            return to_step(_uuid(uuid), name)
        case ["compare", one, other]:
            return Locator("compare", (_uuid(one), _uuid(other)))
        case ["runs" | "template", _, _, _]:
            return found
        case [name] if SHAPES.get(name) == name:
            return found
    shapes = SHAPES.get(found.place) or " or ".join(SHAPES.values())
    raise LocatorError(f"{text!r} leads nowhere; a locator is {shapes}")


def _check_filter(query: str) -> None:
    try:
        parse_filter(query)
    except FilterError as error:
        raise LocatorError(f"tasks?{query}: {error}") from None


def _check_event_filter(query: str) -> None:
    try:
        parse_event_filter(query)
    except EventFilterError as error:
        raise LocatorError(f"events?{query}: {error}") from None


def _uuid(text: str, place: str = "task") -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise LocatorError(f"{text!r} is not a {place}'s id; a {place} is at {SHAPES[place]}") from None
