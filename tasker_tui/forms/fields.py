"""The fields of a form: what the schema asks for, as far as the draft has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tasker_tui.forms.drafts import Draft
from tasker_tui.forms.shapes import Choice, Group, Items, Kind, Leaf, Path, Schema, Shape, Variants, shape_of

EXAMPLES = {
    "date": "2026-03-14",
    "date-time": "2026-03-14T12:00:00Z",
    "time": "12:00:00Z",
    "email": "ana@example.org",
    "uri": "https://example.org/",
    "uuid": "01900000-0000-7000-8000-000000000000",
    "ipv4": "192.0.2.1",
}
"""What a field of a format shows while it is empty."""


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a form. `path` leads to its place in the document, `section` heads it.

    An empty field that is `required` is a problem; one that is `needed` only when the object around it is
    there. A `list` counts its items, which follow it; a `variant` chooses what follows it.
    """

    path: Path
    title: str
    kind: Kind
    section: str
    required: bool
    needed: bool
    help: str
    example: str = ""
    choices: tuple[Choice, ...] = ()
    schema: Any = None
    """Of a list the schema of its items, of a variant that of all its alternatives."""
    of_list: bool = False
    """Whether it is an item of a list itself."""


def fields_of(schema: Schema, draft: Draft) -> list[Field]:
    """The fields of an object schema: of each object its own in their order, then what is inside it."""
    _, shape = shape_of(schema, schema, 0)
    if isinstance(shape, Leaf | Items):
        return []
    return list(_Fields(schema, draft).below(schema, (), "", "", required=True, needed=True))


@dataclass(frozen=True, slots=True)
class _Fields:
    root: Schema
    draft: Draft

    def below(
        self, part: Any, path: Path, title: str, section: str, *, required: bool, needed: bool
    ) -> Iterator[Field]:
        """The fields of a part that is at `path`."""
        part, shape = shape_of(self.root, part, len(path))
        field = Field(
            path=path,
            title=str(part.get("title") or title),
            kind="json",
            section=section,
            required=required,
            needed=needed,
            help=_help(part, "json"),
            of_list=bool(path) and isinstance(path[-1], int),
        )
        if path in self.draft.raw:
            yield replace(field, example="JSON")
            return
        match shape:
            case Leaf(kind=kind, choices=choices):
                example = _example(part, kind)
                yield replace(field, kind=kind, choices=choices, help=_help(part, kind), example=example)
            case Group():
                yield from self._members(shape, path, section, required)
            case Items(item=item):
                yield replace(field, kind="list", help=_help(part, "list"), schema=item)
                yield from self._items(item, path, field.title, section)
            case Variants(alternatives=alternatives, labels=labels):
                choices = tuple(Choice(number, label) for number, label in enumerate(labels))
                inner = section or (_heading(path, field.title) if path else "")
                title = "Kind" if inner else field.title or "Kind"
                yield replace(field, kind="variant", choices=choices, title=title, section=inner,
                              help=_help(part, "variant"), schema=part)  # fmt: skip
                chosen = alternatives[self.draft.variants.get(path, 0)]
                yield from self._members(_group(self.root, chosen, path), path, inner, required)

    def _members(self, group: Group, path: Path, section: str, required: bool) -> Iterator[Field]:
        shapes = {name: shape_of(self.root, part, len(path) + 1) for name, part in group.members.items()}
        inner = [name for name, (_, shape) in shapes.items() if self._is_inner(shape, (*path, name))]
        for name in [*(name for name in shapes if name not in inner), *inner]:
            part, shape = shapes[name]
            heading = section
            if name in inner and isinstance(shape, Group | Variants):
                own = str(part.get("title") or name)
                heading = f"{section} › {own}" if section else own
            needed = name in group.required
            yield from self.below(
                part, (*path, name), name, heading, required=required and needed, needed=needed
            )

    def _items(self, item: Any, path: Path, title: str, section: str) -> Iterator[Field]:
        _, shape = shape_of(self.root, item, len(path) + 1)
        for number in range(self.draft.lengths.get(path, 0)):
            name = f"{title} {number + 1}"
            inner = section
            if isinstance(shape, Group | Variants):
                inner = f"{section} › {name}" if section else name
            yield from self.below(item, (*path, number), name, inner, required=True, needed=True)

    def _is_inner(self, shape: Shape, path: Path) -> bool:
        return path not in self.draft.raw and not isinstance(shape, Leaf)


def _group(root: Schema, part: Schema, path: Path) -> Group:
    _, shape = shape_of(root, part, len(path))
    return shape if isinstance(shape, Group) else Group({}, frozenset())


def _heading(path: Path, title: str) -> str:
    return title or str(path[-1])


def _example(part: Mapping[str, Any], kind: Kind) -> str:
    if kind == "text":
        return EXAMPLES.get(str(part.get("format")), "")
    return {"integer": "whole number", "number": "number", "json": "JSON"}.get(kind, "")


def _help(part: Mapping[str, Any], kind: Kind) -> str:
    limits = [
        f"{word} {part[key]}"
        for key, word in (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"),
                          ("exclusiveMaximum", "below"), ("format", "as"), ("minItems", "at least"),
                          ("maxItems", "at most"))
        if key in part
    ]  # fmt: skip
    words = [str(part.get("description") or ""), "JSON" if kind == "json" else "", ", ".join(limits)]
    return "; ".join(word.rstrip(".") for word in words if word)
