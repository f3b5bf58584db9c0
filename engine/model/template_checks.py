"""What a template's fields cannot tell one by one: names, dependencies, cycles, schemas (reference 1.4, 1.5).

The checks look at the data as written: a template with a mistyped field still gets all its problems told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from engine.model.inputs import InputValidator, SchemaInvalid
from engine.model.payload import PayloadRejected, dump_json
from engine.model.problems import FieldProblem, Location, did_you_mean

ALL_STEPS = "ALL"
"""The name under `environments.{env}.steps` that means every step."""

MAX_BYTES = 8_388_608
MAX_CYCLES = 10
MAX_HINTS = 20
"""Near names are looked for so often and no more: with thousands of steps each search takes milliseconds."""


@dataclass(frozen=True)
class _Step:
    """As much of a step as can be read; `dependencies` as (index in the list, name)."""

    index: int
    name: str
    kind: str
    dependencies: tuple[tuple[int, str], ...]
    fields: dict[str, Any]


def check_template(data: dict[str, Any]) -> list[FieldProblem]:
    """All problems of a template's data that its fields do not show by themselves."""
    steps = list(_steps(data))
    graph = _Graph(steps)
    return [
        *_check_storable(data),
        *_check_not_empty(data),
        *graph.check_names(),
        *graph.check_dependencies(),
        *graph.check_cycles(),
        *graph.check_types(),
        *graph.check_environments(data),
        *_check_schemas(data),
    ]


def _steps(data: dict[str, Any]) -> Iterator[_Step]:
    for index, fields in enumerate(_items(data.get("steps"))):
        if isinstance(fields, dict) and isinstance(fields.get("name"), str):
            kind = fields.get("type", fields.get("step_type", "standard"))
            names = enumerate(_items(fields.get("dependencies")))
            parents = tuple((position, name) for position, name in names if isinstance(name, str))
            yield _Step(index, fields["name"], str(kind), parents, fields)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _check_storable(data: dict[str, Any]) -> Iterator[FieldProblem]:
    try:
        dump_json(data, limit_bytes=MAX_BYTES)
    except PayloadRejected as problem:
        yield FieldProblem(problem.location, problem.reason, problem.hint)


def _check_not_empty(data: dict[str, Any]) -> Iterator[FieldProblem]:
    if data.get("steps") == []:
        yield FieldProblem(
            ("steps",), "a template needs at least one step", "add one with a name and a handler"
        )


class _Graph:
    def __init__(self, steps: list[_Step]) -> None:
        self._steps = steps
        self._first: dict[str, _Step] = {}
        for step in steps:
            self._first.setdefault(step.name, step)
        self._hints_left = MAX_HINTS

    def check_names(self) -> Iterator[FieldProblem]:
        for step in self._steps:
            first = self._first[step.name]
            if first is not step:
                message = f"step '{step.name}' is defined twice, first as steps[{first.index}]"
                yield FieldProblem(("steps", step.index, "name"), message, "give each step a name of its own")

    def check_dependencies(self) -> Iterator[FieldProblem]:
        for step in self._steps:
            seen: set[str] = set()
            for position, parent in step.dependencies:
                place: Location = ("steps", step.index, "dependencies", position)
                if parent == step.name:
                    yield FieldProblem(place, f"step '{parent}' depends on itself", "remove it from the list")
                elif parent not in self._first:
                    yield FieldProblem(place, f"unknown step '{parent}'", self._near(parent))
                elif parent in seen:
                    yield FieldProblem(place, f"step '{parent}' is listed twice", "list it once")
                seen.add(parent)

    def _near(self, name: str, *others: str) -> str | None:
        if self._hints_left == 0:
            return None
        self._hints_left -= 1
        return did_you_mean(name, [*self._first, *others]) or _known_names(self._first)

    def check_cycles(self) -> Iterator[FieldProblem]:
        graph = {
            name: [parent for _, parent in step.dependencies if parent in self._first and parent != name]
            for name, step in self._first.items()
        }
        for _ in range(MAX_CYCLES):
            cycle = _find_cycle(graph)
            if cycle is None:
                return
            step = self._first[cycle[0]]
            message = f"the steps wait for each other: {' → '.join(cycle)}"
            place: Location = ("steps", step.index, "dependencies")
            yield FieldProblem(place, message, "remove one of these dependencies")
            for name in cycle:
                graph.pop(name, None)

    def check_types(self) -> Iterator[FieldProblem]:
        for step in self._steps:
            if step.kind == "decision" and not step.dependencies:
                yield FieldProblem(
                    ("steps", step.index),
                    f"decision '{step.name}' has no dependencies",
                    "name the step it decides on",
                )
            if step.kind == "batch_worker" and "batch_config" not in step.fields:
                yield FieldProblem(
                    ("steps", step.index),
                    f"batch_worker '{step.name}' has no batch_config",
                    "add `batch_config:`",
                )

    def check_environments(self, data: dict[str, Any]) -> Iterator[FieldProblem]:
        for environment, overrides in _mapping(data.get("environments")).items():
            for index, override in enumerate(_items(_mapping(overrides).get("steps"))):
                name = _mapping(override).get("name")
                if isinstance(name, str) and name != ALL_STEPS and name not in self._first:
                    place: Location = ("environments", environment, "steps", index, "name")
                    yield FieldProblem(place, f"unknown step '{name}'", self._near(name, ALL_STEPS))


def _known_names(names: Iterable[str]) -> str:
    known = sorted(names)
    more = f" and {len(known) - 10} more" if len(known) > 10 else ""
    return f"the steps are {', '.join(known[:10])}{more}"


def _find_cycle(graph: dict[str, list[str]]) -> list[str] | None:
    """One cycle, each step before those that wait for it, the first again at the end."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _check_schemas(data: dict[str, Any]) -> Iterator[FieldProblem]:
    for location, schema in _schemas(data):
        if isinstance(schema, dict):
            try:
                InputValidator(schema)
            except SchemaInvalid as problem:
                message = f"not a valid JSON Schema: {problem.message}"
                yield FieldProblem((*location, *problem.location), message, problem.hint)


def _schemas(data: dict[str, Any]) -> Iterator[tuple[Location, Any]]:
    yield ("input_schema",), data.get("input_schema")
    for index, event in enumerate(_items(data.get("domain_events"))):
        yield ("domain_events", index, "schema"), _mapping(event).get("schema")
    for index, step in enumerate(_items(data.get("steps"))):
        yield ("steps", index, "result_schema"), _mapping(step).get("result_schema")
        for position, event in enumerate(_items(_mapping(step).get("publishes_events"))):
            yield ("steps", index, "publishes_events", position, "schema"), _mapping(event).get("schema")
