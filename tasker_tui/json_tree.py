"""A JSON value as lines that can be folded: one a member or item, long texts as lines of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from rich.cells import chop_cells

from tasker_tui.text import count, json_line, printable, printable_lines

Key = tuple[str | int, ...]
Kind = Literal["text", "value", "brackets", "more"]
MOST_LINES = 20_000
MOST_CHILDREN = 1_000
"""Of one list, object or long text; the rest is counted."""
LONG = 100
"""Cells: a text that is longer, or has several lines, is folded to its first part."""
OPEN_LINES = 200
"""A value of more lines begins folded, from its depths upwards until so few are left."""


@dataclass(frozen=True, slots=True)
class JsonLine:
    """`key` tells it from the others; `name` is what stands before the colon, empty in lists and at ends."""

    key: Key
    depth: int
    name: str
    text: str
    kind: Kind
    folds: bool = False
    folded: bool = False


class JsonTree:
    """The lines of a value, as the rows of a table."""

    def __init__(self) -> None:
        self.value: Any = None
        self._folded: set[Key] = set()
        self._opened: set[Key] = set()
        self._deepest: int | None = None
        self.lines: list[JsonLine] = []
        self._places: dict[str, int] = {}

    def show(self, value: Any) -> None:
        """Another value. What was folded stays so if it is still there."""
        if self.lines and value == self.value:
            return
        first = not self.lines
        self.value = value
        self._build()
        for deepest in (3, 2, 1, 0) if first else ():
            if len(self.lines) > OPEN_LINES:
                self._deepest = deepest
                self._build()

    def toggle(self, line: JsonLine) -> None:
        """Fold what is open there, open what is folded."""
        if line.folds:
            (self._opened if line.folded else self._folded).add(line.key)
            (self._folded if line.folded else self._opened).discard(line.key)
            self._build()

    def fold_all(self, folded: bool) -> None:
        """Fold the first members, or open everything but long texts."""
        self._folded, self._opened = set(), set()
        self._deepest = 0 if folded else None
        self._build()

    @property
    def total(self) -> int:
        """How many lines there are."""
        return len(self.lines)

    def row_at(self, index: int) -> JsonLine | None:
        """The line at an index."""
        return self.lines[index] if 0 <= index < len(self.lines) else None

    def index_of(self, key: str) -> int | None:
        """Where a line stands."""
        return self._places.get(key)

    def key_of(self, row: JsonLine) -> str:
        """What the cursor holds on to."""
        return repr((row.key, row.name, row.kind))

    def _build(self) -> None:
        self.lines = []
        for line in self._lines((), 0, "", self.value):
            if len(self.lines) == MOST_LINES:
                self.lines.append(JsonLine(("…",), 0, "", "… and more", "more"))
                break
            self.lines.append(line)
        self._places = {self.key_of(line): index for index, line in enumerate(self.lines)}

    def _lines(self, key: Key, depth: int, name: str, value: Any) -> Iterator[JsonLine]:
        if isinstance(value, dict | list) and value:
            yield from self._container(key, depth, name, value)
        elif isinstance(value, str) and (len(value) > LONG or "\n" in value.rstrip("\n")):
            yield from self._long_text(key, depth, name, value)
        else:
            yield JsonLine(key, depth, name, json_line(value), "text" if isinstance(value, str) else "value")

    def _container(
        self, key: Key, depth: int, name: str, value: dict[str, Any] | list[Any]
    ) -> Iterator[JsonLine]:
        opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
        size = count(len(value))
        deep = self._deepest is not None and depth > self._deepest
        if key in self._folded or (deep and key not in self._opened):
            yield JsonLine(key, depth, name, f"{opening} {size} {closing}", "brackets", True, True)
            return
        yield JsonLine(key, depth, name, opening, "brackets", True)
        members: list[tuple[str | int, Any]]
        members = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
        for inner, member in members[:MOST_CHILDREN]:
            label = json.dumps(inner, ensure_ascii=False) if isinstance(inner, str) else ""
            yield from self._lines((*key, inner), depth + 1, printable(label), member)
        if len(members) > MOST_CHILDREN:
            rest = f"… {count(len(members) - MOST_CHILDREN)} more"
            yield JsonLine((*key, "…"), depth + 1, "", rest, "more")
        yield JsonLine((*key, "end"), depth, "", closing, "brackets")

    def _long_text(self, key: Key, depth: int, name: str, value: str) -> Iterator[JsonLine]:
        if key not in self._opened:
            shown = json_line(value[:LONG])[:-1]
            yield JsonLine(key, depth, name, f'{shown}…" {count(len(value))} characters', "text", True, True)
            return
        yield JsonLine(key, depth, name, '"', "text", True)
        lines = printable_lines(value, MOST_CHILDREN)
        pieces = [piece for line in lines for piece in chop_cells(line, LONG) or [line]]
        for number, piece in enumerate(pieces):
            yield JsonLine((*key, number), depth + 1, "", piece, "text")
