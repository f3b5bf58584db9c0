"""What is in a form: the texts of its fields, how many items its lists have, and what no field shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from engine.model.inputs import InputValidator, SchemaInvalid
from tasker_tui.forms.shapes import Group, Items, Leaf, Path, Schema, Variants, normal, shape_of
from tasker_tui.forms.values import json_text, text_of

if TYPE_CHECKING:
    from tasker_tui.forms.fields import Field

T = TypeVar("T")
_NOTHING = object()
MOST_FIRST_ITEMS = 20
"""A list begins with as many items as it needs at least, but not with more than this."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The contents of a form, by path.

    `raw` are places whose value does not fit the schema's kind and is written as JSON; `rest` is what the
    document has beside the fields.
    """

    texts: Mapping[Path, str] = field(default_factory=dict)
    lengths: Mapping[Path, int] = field(default_factory=dict)
    variants: Mapping[Path, int] = field(default_factory=dict)
    raw: frozenset[Path] = frozenset()
    rest: Mapping[str, Any] = field(default_factory=dict)


def new_draft(schema: Schema) -> Draft:
    """The draft of a form that nobody has written in: the defaults, and the items that lists need."""
    found = _default(schema, schema, (), True)
    return draft_of(schema, found if isinstance(found, dict) else {})


def draft_of(schema: Schema, document: Mapping[str, Any]) -> Draft:
    """The draft that makes exactly this document."""
    _, shape = shape_of(schema, schema, 0)
    if isinstance(shape, Leaf | Items):
        return Draft(rest=document)
    return _read(schema, schema, (), document)


def with_text(draft: Draft, path: Path, text: str) -> Draft:
    """Another text in a field."""
    return replace(draft, texts={**draft.texts, path: text})


def with_raw(draft: Draft, path: Path, value: Any) -> Draft:
    """A value that is written as JSON at that place."""
    return _joined(draft, _raw(path, value))


def with_item(schema: Schema, draft: Draft, listed: Field) -> Draft:
    """One more item at the end of the list of that field, with its defaults."""
    length = draft.lengths.get(listed.path, 0)
    path = (*listed.path, length)
    value = _default(schema, listed.schema, path, True)
    _, shape = shape_of(schema, listed.schema, len(path))
    if value is _NOTHING and not isinstance(shape, Leaf):
        value = [] if isinstance(shape, Items) else {}
    more = Draft() if value is _NOTHING else _read(schema, listed.schema, path, value)
    grown = _joined(draft, _raw(path, value) if more.rest else more)
    return replace(grown, lengths={**grown.lengths, listed.path: length + 1})


def without_item(draft: Draft, path: Path, number: int) -> Draft:
    """The list at `path` without one item; those after it move up."""

    def moved(at: Path) -> Path | None:
        if len(at) <= len(path) or at[: len(path)] != path:
            return at
        place = at[len(path)]
        assert isinstance(place, int)
        if place == number:
            return None
        return (*path, place - 1, *at[len(path) + 1 :]) if place > number else at

    left = _kept(draft, moved)
    length = draft.lengths.get(path, 0) - 1
    lengths = {at: many for at, many in left.lengths.items() if at != path}
    return replace(left, lengths={**lengths, path: length} if length > 0 else lengths)


def with_variant(schema: Schema, draft: Draft, chooser: Field, number: int) -> Draft:
    """Another alternative at the place of that field; texts of members that both have stay."""
    path = chooser.path
    _, shape = shape_of(schema, chooser.schema, len(path))
    assert isinstance(shape, Variants)
    value = _default(schema, shape.alternatives[number], path, True)
    fresh = _read(schema, shape.alternatives[number], path, value if isinstance(value, dict) else {})
    outside = _kept(draft, lambda at: None if at[: len(path)] == path else at)
    members = shape.alternatives[number].get("properties") or {}
    common = {
        at: text
        for at, text in draft.texts.items()
        if at not in fresh.texts and at not in draft.raw and _is_member(at, path, members)
    }
    inside = replace(fresh, texts={**common, **fresh.texts}, variants={**fresh.variants, path: number})
    return _joined(outside, inside)


def _is_member(at: Path, path: Path, members: Mapping[str, Any]) -> bool:
    return len(at) > len(path) and at[: len(path)] == path and at[len(path)] in members


def _joined(one: Draft, other: Draft) -> Draft:
    return replace(
        one,
        texts={**one.texts, **other.texts},
        lengths={**one.lengths, **other.lengths},
        variants={**one.variants, **other.variants},
        raw=one.raw | other.raw,
    )


def _kept(draft: Draft, moved: Callable[[Path], Path | None]) -> Draft:
    def of(found: Mapping[Path, T]) -> dict[Path, T]:
        return {to: value for at, value in found.items() if (to := moved(at)) is not None}

    raw = frozenset(to for at in draft.raw if (to := moved(at)) is not None)
    return replace(
        draft, texts=of(draft.texts), lengths=of(draft.lengths), variants=of(draft.variants), raw=raw
    )


def _read(root: Schema, part: Any, path: Path, value: Any) -> Draft:
    """The draft of a value at `path`; its `rest` is that of the value alone."""
    part, shape = shape_of(root, part, len(path))
    match shape:
        case Leaf(kind=kind):
            text = text_of(kind, value)
            if kind == "choice" and text not in [json_text(choice.value) for choice in shape.choices]:
                text = None
            return Draft(texts={path: text}) if text is not None else _raw(path, value)
        case Group() if isinstance(value, Mapping):
            return _read_members(root, shape, path, value)
        case Items(item=item) if isinstance(value, list):
            return _read_items(root, item, path, value)
        case Variants(alternatives=alternatives) if isinstance(value, Mapping):
            number = _best(root, alternatives, value)
            _, chosen = shape_of(root, alternatives[number], len(path))
            members = chosen if isinstance(chosen, Group) else Group({}, frozenset())
            found = _read_members(root, members, path, value)
            return replace(found, variants={**found.variants, path: number})
    return _raw(path, value)


def _read_members(root: Schema, group: Group, path: Path, value: Mapping[str, Any]) -> Draft:
    found, rest = Draft(), {}
    for name, member in value.items():
        if name not in group.members:
            rest[name] = member
            continue
        inner = _read(root, group.members[name], (*path, name), member)
        if inner.rest or (member == {} and not inner.texts):
            rest[name] = inner.rest
        found = _joined(found, inner)
    return replace(found, rest=rest)


def _read_items(root: Schema, item: Any, path: Path, value: list[Any]) -> Draft:
    found = Draft(lengths={path: len(value)})
    for number, each in enumerate(value):
        inner = _read(root, item, (*path, number), each)
        if inner.rest:
            return _raw(path, value)
        found = _joined(found, inner)
    return found


def _raw(path: Path, value: Any) -> Draft:
    return Draft(texts={path: json_text(value)}, raw=frozenset((path,)))


def _best(root: Schema, alternatives: tuple[Schema, ...], value: Mapping[str, Any]) -> int:
    """The alternative that the value fits, else the one whose constants it has, or most members."""
    for number, part in enumerate(alternatives):
        try:
            if not InputValidator({"$defs": root.get("$defs", {}), **part}).errors(dict(value)):
                return number
        except SchemaInvalid:
            continue

    def likeness(number: int) -> tuple[int, int]:
        members = alternatives[number]["properties"]
        constants = {name: normal(root, part) for name, part in members.items() if name in value}
        same = sum(part["const"] == value[name] for name, part in constants.items() if "const" in part)
        return same, len(constants)

    return max(range(len(alternatives)), key=likeness)


def _default(root: Schema, part: Any, path: Path, required: bool) -> Any:
    """What the schema begins with, `_NOTHING` if it does not say."""
    part, shape = shape_of(root, part, len(path))
    if "default" in part:
        return json.loads(json.dumps(part["default"]))
    match shape:
        case Leaf(choices=[first, *_]) if required:
            return first.value
        case Group(members=members, required=needed):
            found = {
                name: _default(root, member, (*path, name), required and name in needed)
                for name, member in members.items()
            }
            known = {name: value for name, value in found.items() if value is not _NOTHING}
            return known or _NOTHING
        case Variants(alternatives=alternatives) if required:
            return _default(root, alternatives[0], path, True)
        case Items(item=item, least=least) if required and least:
            return _first_items(root, item, path, least)
    return _NOTHING


def _first_items(root: Schema, item: Any, path: Path, least: int) -> Any:
    _, shape = shape_of(root, item, len(path) + 1)
    value = _default(root, item, (*path, 0), True)
    if value is _NOTHING:
        value = {} if isinstance(shape, Group | Variants) else _NOTHING
    return _NOTHING if value is _NOTHING else [value] * min(least, MOST_FIRST_ITEMS)
