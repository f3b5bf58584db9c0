"""A drawing's rows as text: pieces of line with the edges that they belong to, and the places of the nodes.

Rows are made when they are looked at, so that the size of a graph costs nothing until one scrolls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tasker_tui.dag.layout import Drawing
from tasker_tui.dag.route import Wire

UP, RIGHT, DOWN, LEFT = 1, 2, 4, 8
CROSS = UP | RIGHT | DOWN | LEFT

Charset = Literal["unicode", "ascii"]

_UNICODE = {
    LEFT | RIGHT: "─",
    UP | DOWN: "│",
    RIGHT | DOWN: "╭",
    LEFT | DOWN: "╮",
    UP | RIGHT: "╰",
    UP | LEFT: "╯",
    UP | RIGHT | DOWN: "├",
    UP | LEFT | DOWN: "┤",
    LEFT | RIGHT | DOWN: "┬",
    LEFT | RIGHT | UP: "┴",
    CROSS: "┼",
}
_ASCII = dict.fromkeys(_UNICODE, "+") | {LEFT | RIGHT: "-", UP | DOWN: "|", CROSS: "|"}
GLYPHS: dict[Charset, dict[int, str]] = {"unicode": _UNICODE, "ascii": _ASCII}
JUNCTION: dict[Charset, str] = {"unicode": "╋", "ascii": "+"}
"""Four arms that are joined; the glyph of CROSS is two lines that only cross."""
ARROW: dict[Charset, str] = {"unicode": "▸", "ascii": ">"}
JOINS: dict[Charset, dict[int, str]] = {
    "unicode": {UP: "▾", DOWN: "▴", UP | DOWN: "◆"},
    "ascii": {UP: "v", DOWN: "^", UP | DOWN: "*"},
}
"""A branch that joins another edge's line, by where it comes from; a tee would read as a way into it."""


def legend(charset: Charset) -> Sequence[tuple[str, str]]:
    """What the signs of the lines mean."""
    joins, plain = JOINS[charset], GLYPHS[charset]
    return (
        (ARROW[charset], "leads to a step that waits for the one at the other end of the line"),
        (joins[UP], "a branch from above joins this line"),
        (joins[DOWN], "a branch from below joins this line"),
        (joins[UP | DOWN], "branches from above and below join this line"),
        (JUNCTION[charset], "lines that are joined"),
        (plain[CROSS], "lines that only cross"),
    )


@dataclass(frozen=True, slots=True)
class LinePiece:
    """A run of line cells that belong to the same edges (a bit mask over `graph.edges`)."""

    x: int
    text: str
    edges: int


@dataclass(frozen=True, slots=True)
class NodePiece:
    """A node, whose text is the caller's: it depends on the node's state."""

    x: int
    node: int


Piece = LinePiece | NodePiece


class Painter:
    """The rows of one drawing in one set of characters, each made once."""

    def __init__(self, drawing: Drawing, charset: Charset = "unicode") -> None:
        self.drawing = drawing
        self._charset = charset
        self._rows: dict[int, list[Piece]] = {}
        self._item_at = [{drawing.row_of[item]: item for item in layer} for layer in drawing.layered.layers]

    def row(self, y: int) -> list[Piece]:
        """The pieces of row `y` from left to right; cells between them are empty."""
        if y not in self._rows:
            self._rows[y] = _merged(self._pieces(y))
        return self._rows[y]

    def _pieces(self, y: int) -> Iterator[Piece]:
        for layer in range(len(self._item_at)):
            yield from self._item_pieces(layer, y)
            yield from self._channel_pieces(layer, y)

    def _item_pieces(self, layer: int, y: int) -> Iterator[Piece]:
        item = self._item_at[layer].get(y)
        if item is None:
            return
        drawing, start = self.drawing, self.drawing.layer_x[layer]
        end = start + drawing.layer_width[layer]
        if not drawing.layered.is_lane(item):
            yield NodePiece(start, item)
            start += drawing.places[item].width + 1
        edges = drawing.layered.carries[item]
        if edges and end > start:
            yield LinePiece(start, GLYPHS[self._charset][LEFT | RIGHT] * (end - start), edges)

    def _channel_pieces(self, layer: int, y: int) -> Iterator[Piece]:
        drawing = self.drawing
        if layer + 1 == len(drawing.layer_x):
            return
        start, end = drawing.layer_x[layer] + drawing.layer_width[layer], drawing.layer_x[layer + 1]
        row = _ChannelRow(y, start, end)
        for wire in drawing.channels[layer].wires:
            if wire.low <= y <= wire.high:
                row.add(wire)
        target = self._item_at[layer + 1].get(y)
        if target is not None and not drawing.layered.is_lane(target) and end - 1 in row.arms:
            yield from row.pieces(self._charset, end - 1)
            yield LinePiece(end - 1, ARROW[self._charset], row.edges[end - 1])
        else:
            yield from row.pieces(self._charset, end)


class _ChannelRow:
    """The cells of one row of a channel: which arms each has, and whose it is."""

    def __init__(self, y: int, start: int, end: int) -> None:
        self.y, self.start, self.end = y, start, end
        self.arms: dict[int, int] = {}
        self.edges: dict[int, int] = {}
        self.own: dict[int, int] = {}
        self.joins: dict[int, int] = {}

    def add(self, wire: Wire) -> None:
        """Draw the wire's part of the row."""
        if wire.straight:
            self._line(self.start, self.end, _edges(wire, self.y))
            return
        column = self.start + wire.column
        self._vertical(wire, column)
        if self.y in wire.rows_in:
            fed = wire.before is not None and self.y == wire.joint
            begin = self.start + wire.before.column + 1 if fed and wire.before else self.start
            self._line(begin, column, sum_of(edges for a, _, edges in wire.links if a == self.y))
        joint = wire.after.joint if wire.after else None
        if self.y in wire.rows_out and self.y != joint:
            self._line(column + 1, self.end, sum_of(edges for _, b, edges in wire.links if b == self.y))

    def _vertical(self, wire: Wire, column: int) -> None:
        arms = UP if self.y > wire.low else 0
        arms |= DOWN if self.y < wire.high else 0
        arms |= LEFT if self.y in wire.rows_in else 0
        arms |= RIGHT if self.y in wire.rows_out else 0
        self.own[column] = arms
        if arms & RIGHT and not arms & LEFT and len(wire.rows_out) > 1:
            above = any(row < self.y for row in wire.rows_in)
            below = any(row > self.y for row in wire.rows_in)
            self.joins[column] = (UP if above else 0) | (DOWN if below else 0)
        self._cell(column, arms, _edges(wire, self.y))

    def pieces(self, charset: Charset, end: int) -> Iterator[LinePiece]:
        """The cells left of `end`, one piece each."""
        for x in sorted(x for x in self.arms if x < end):
            yield LinePiece(x, self._glyph(charset, x), self.edges[x])

    def _glyph(self, charset: Charset, x: int) -> str:
        arms, own = self.arms[x], self.own.get(x, 0)
        if x in self.joins and arms & LEFT:
            return JOINS[charset][self.joins[x]]
        if arms == CROSS and own & (LEFT | RIGHT):
            return JUNCTION[charset]
        return GLYPHS[charset][arms]

    def _line(self, begin: int, end: int, edges: int) -> None:
        for x in range(begin, end):
            self._cell(x, LEFT | RIGHT, edges)

    def _cell(self, x: int, arms: int, edges: int) -> None:
        self.arms[x] = self.arms.get(x, 0) | arms
        self.edges[x] = self.edges.get(x, 0) | edges


def _edges(wire: Wire, y: int) -> int:
    """The edges that the wire carries past or to row `y`."""
    return sum_of(edges for a, b, edges in wire.links if min(a, b) <= y <= max(a, b))


def sum_of(masks: Iterator[int]) -> int:
    """The union of bit masks."""
    union = 0
    for mask in masks:
        union |= mask
    return union


def _merged(pieces: Iterator[Piece]) -> list[Piece]:
    """Neighbouring pieces of line with the same edges become one."""
    merged: list[Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if (
            isinstance(piece, LinePiece)
            and isinstance(last, LinePiece)
            and last.edges == piece.edges
            and last.x + len(last.text) == piece.x
        ):
            merged[-1] = LinePiece(last.x, last.text + piece.text, last.edges)
        else:
            merged.append(piece)
    return merged
