"""A place in the dashboard as a text: `tasks?state:failing`, `failures?timeout`, `task/UUID/step/NAME`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
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
    "failures": "failures?FILTER",
    "letters": "letters?FILTER",
    "bulk": "bulk?FILTER",
    "queues": "queues?FILTER",
    "workers": "workers?FILTER",
    "templates": "templates?FILTER",
    "template": "template/NAMESPACE/NAME/VERSION",
    "worker": "worker/UUID?FILTER",
    "pulse": "pulse",
    "events": "events?FILTER",
    "stack": "stack",
    "runs": "runs/NAMESPACE/NAME/VERSION?FILTER",
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
    found = _shaped(Locator(place or "tasks", tuple(path), unquote(query)))
    shape = SHAPES.get(place or "tasks")
    if found is None or (found.query and not takes_filter(found.place)):
        shapes = shape or " or ".join(SHAPES.values())
        raise LocatorError(f"{text!r} leads nowhere; a locator is {shapes}")
    if found.query:
        _check_filter(found.place, found.query)
    return found


def takes_filter(place: str) -> bool:
    """Whether what is shown there can be narrowed."""
    return "?" in SHAPES[place]


def _shaped(found: Locator) -> Locator | None:
    """With its ids as they are written here; None if no place has such a path."""
    match found.place, *found.path:
        case ["task", uuid] | ["task", uuid, "step", _]:
            return replace(found, path=(_uuid(uuid), *found.path[1:]))
        case ["worker", uuid]:
            return replace(found, path=(_uuid(uuid, "worker"),))
        case ["step", uuid, name]:
            return replace(found, path=(_uuid(uuid), name))
        case ["compare", one, other]:
            return replace(found, path=(_uuid(one), _uuid(other)))
        case ["runs" | "template", _, _, _]:
            return found
        case [name] if "/" not in SHAPES.get(name, "/"):
            return found
    return None


def _check_filter(place: str, query: str) -> None:
    from tasker_tui.row_filter import RowFilterError, parse_row_filter  # the first list does without

    known: dict[str, Callable[[str], object]] = {"tasks": parse_filter, "events": parse_event_filter}
    try:
        known.get(place, parse_row_filter)(query)
    except (FilterError, EventFilterError, RowFilterError) as error:
        raise LocatorError(f"{place}?{query}: {error}") from None


def _uuid(text: str, place: str = "task") -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise LocatorError(f"{text!r} is not a {place}'s id; a {place} is at {SHAPES[place]}") from None
