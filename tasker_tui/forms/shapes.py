"""What a part of a JSON Schema is in a form: one field, an object, a list, or a choice of objects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "integer", "number", "choice", "json", "list", "variant"]
Path = tuple[str | int, ...]
"""Names of objects' members and places in lists, from the top of the document."""
Schema = Mapping[str, Any]
DEEPEST = 6
"""What is nested deeper than this is written as JSON."""
MOST_STEPS = 12
"""References and alternatives followed for one part; a schema may refer to itself for ever."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a field may have, and what it is called."""

    value: Any
    label: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """One field."""

    kind: Kind
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """An object whose members are fields of their own."""

    members: Mapping[str, Any]
    required: frozenset[str]


@dataclass(frozen=True, slots=True)
class Items:
    """A list whose items all have the same schema."""

    item: Any
    least: int


@dataclass(frozen=True, slots=True)
class Variants:
    """An object that is one of several: each as a schema of its own, with its name."""

    alternatives: tuple[Schema, ...]
    labels: tuple[str, ...]


Shape = Leaf | Group | Items | Variants


def shape_of(root: Schema, part: Any, depth: int) -> tuple[Schema, Shape]:
    """The part with its references followed, and what it is, `depth` steps below the top."""
    part = normal(root, part)
    return part, _shape(root, part, depth)


def normal(root: Schema, part: Any) -> Schema:
    """The part as one schema: references followed, `allOf` put together, "or null" taken off."""
    found: Any = part
    for _ in range(MOST_STEPS):
        if not isinstance(found, Mapping):
            return {}
        reference = found.get("$ref")
        if isinstance(reference, str):
            found = merged(_target(root, reference), _without(found, "$ref"))
        elif _mappings(found.get("allOf")):
            base = _without(found, "allOf")
            for other in _mappings(found["allOf"]):
                base = merged(base, other)
            found = base
        elif (only := _only_alternative(found)) is not None:
            found = merged(_without(found, "oneOf", "anyOf"), only)
        else:
            return found
    return {}


def merged(one: Schema, other: Schema) -> Schema:
    """Both schemas as one; where they differ, the second counts."""
    both = {**one, **other}
    for key in ("properties", "$defs"):
        if isinstance(one.get(key), Mapping) and isinstance(other.get(key), Mapping):
            both[key] = {**one[key], **other[key]}
    required = [*_names(one.get("required")), *_names(other.get("required"))]
    return both | {"required": required} if required else both


def _shape(root: Schema, part: Schema, depth: int) -> Shape:
    if choices := _choices(root, part):
        return Leaf("choice", choices)
    types = _types(part)
    if depth < DEEPEST and (variants := _variants(root, part)):
        return variants
    if depth < DEEPEST and isinstance(part.get("properties"), Mapping) and types in ([], ["object"]):
        return Group(part["properties"], frozenset(_names(part.get("required"))))
    alike = isinstance(part.get("items"), Mapping) and "prefixItems" not in part
    if depth < DEEPEST and types == ["array"] and alike:
        least = part.get("minItems")
        return Items(part["items"], least if isinstance(least, int) else 0)
    kinds: dict[str, Kind] = {"string": "text", "integer": "integer", "number": "number"}
    alone = types[0] if len(types) == 1 and not part.get("oneOf") and not part.get("anyOf") else ""
    return Leaf(kinds.get(alone, "json"))


def _choices(root: Schema, part: Schema) -> tuple[Choice, ...]:
    if "const" in part:
        return (_choice(part, part["const"]),)
    if isinstance(part.get("enum"), Sequence) and part["enum"]:
        return tuple(Choice(value, _label(value)) for value in part["enum"])
    if _types(part) == ["boolean"]:
        return (Choice(True, "true"), Choice(False, "false"))
    named = [normal(root, other) for other in _alternatives(part)]
    if named and all("const" in other for other in named):
        return tuple(_choice(other, other["const"]) for other in named)
    return ()


def _choice(part: Schema, value: Any) -> Choice:
    return Choice(value, str(part.get("title") or _label(value)))


def _label(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _variants(root: Schema, part: Schema) -> Variants | None:
    base = _without(part, "oneOf", "anyOf")
    found = [normal(root, other) for other in _alternatives(part)]
    if len(found) < 2 or not all(isinstance(other.get("properties"), Mapping) for other in found):
        return None
    labels = tuple(_variant_label(root, other, number) for number, other in enumerate(found, 1))
    return Variants(tuple(merged(base, other) for other in found), labels)


def _variant_label(root: Schema, part: Schema, number: int) -> str:
    if part.get("title"):
        return str(part["title"])
    members = [normal(root, member) for member in part["properties"].values()]
    constants = [_label(member["const"]) for member in members if "const" in member]
    return constants[0] if constants else f"{number}: {', '.join(list(part['properties'])[:3])}"


def _alternatives(part: Schema) -> list[Schema]:
    return _mappings(part.get("oneOf") or part.get("anyOf"))


def _only_alternative(part: Schema) -> Schema | None:
    found = _alternatives(part)
    others = [other for other in found if other.get("type") != "null"]
    return others[0] if len(others) == 1 else None


def _target(root: Schema, reference: str) -> Schema:
    found: Any = root
    for key in reference.removeprefix("#").split("/")[1:]:
        key = key.replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _types(part: Schema) -> list[str]:
    types = part.get("type")
    return [name for name in ([types] if isinstance(types, str) else _names(types)) if name != "null"]


def _names(found: Any) -> list[str]:
    return [name for name in found if isinstance(name, str)] if isinstance(found, list | tuple) else []


def _mappings(found: Any) -> list[Schema]:
    return [part for part in found if isinstance(part, Mapping)] if isinstance(found, list | tuple) else []


def _without(part: Schema, *keys: str) -> Schema:
    return {key: value for key, value in part.items() if key not in keys}
