"""Reading a drawn graph back from its glyphs alone, the way an eye does: along the lines, never leftwards."""

from __future__ import annotations

from tasker_tui.dag.glyphs import (
    ARROW,
    CROSS,
    DOWN,
    GLYPHS,
    JOINS,
    JUNCTION,
    LEFT,
    RIGHT,
    UP,
    NodePiece,
    Painter,
)
from tasker_tui.dag.layout import Drawing

ARMS = {glyph: arms for arms, glyph in GLYPHS["unicode"].items()} | {
    JUNCTION["unicode"]: CROSS,
    ARROW["unicode"]: LEFT | RIGHT,
}
JOIN_ARMS = {"▾": LEFT | UP, "▴": LEFT | DOWN, "◆": LEFT | UP | DOWN}
assert set(JOIN_ARMS) == set(JOINS["unicode"].values())
STEP = {UP: (0, -1), DOWN: (0, 1), RIGHT: (1, 0)}
OPPOSITE = {UP: DOWN, DOWN: UP, RIGHT: LEFT}


def text(drawing: Drawing) -> str:
    """The drawing with each node as its label."""
    painter, lines = Painter(drawing), []
    for y in range(drawing.height):
        line = ""
        for piece in painter.row(y):
            shown = f"• {drawing.graph.labels[piece.node]}" if isinstance(piece, NodePiece) else piece.text
            line = line.ljust(piece.x) + shown
        lines.append(line)
    return "\n".join(lines)


def read_edges(drawing: Drawing) -> set[tuple[int, int]]:
    """Every (source, target) that an eye finds when it follows the lines from each node."""
    cells = _line_cells(drawing)
    targets = {(place.x - 1, place.y): node for node, place in enumerate(drawing.places)}
    found = set()
    for source, place in enumerate(drawing.places):
        start = (place.x + place.width + 1, place.y)
        if start in cells and _arms(cells[start]) & LEFT:
            found |= {(source, target) for target in _follow(cells, targets, start)}
    return found


def _line_cells(drawing: Drawing) -> dict[tuple[int, int], str]:
    painter = Painter(drawing)
    return {
        (piece.x + i, y): glyph
        for y in range(drawing.height)
        for piece in painter.row(y)
        if not isinstance(piece, NodePiece)
        for i, glyph in enumerate(piece.text)
    }


def _follow(
    cells: dict[tuple[int, int], str], targets: dict[tuple[int, int], int], start: tuple[int, int]
) -> set[int]:
    found: set[int] = set()
    todo, seen = [(start, RIGHT)], set()
    while todo:
        cell, heading = todo.pop()
        if (cell, heading) in seen or cell not in cells:
            continue
        seen.add((cell, heading))
        if cells[cell] == ARROW["unicode"]:
            found.add(targets[cell])
            continue
        for turn in _turns(cells[cell], heading):
            following = (cell[0] + STEP[turn][0], cell[1] + STEP[turn][1])
            if following in cells and _arms(cells[following]) & OPPOSITE[turn]:
                todo.append((following, turn))
    return found


def _arms(glyph: str) -> int:
    """The sides that a line can come in from."""
    return JOIN_ARMS.get(glyph) or ARMS[glyph]


def _turns(glyph: str, heading: int) -> list[int]:
    """Where a line with this heading goes on: a cross is passed straight, a join leads right."""
    if glyph == GLYPHS["unicode"][CROSS]:
        return [heading]
    if glyph in JOIN_ARMS:
        return [RIGHT] if heading == RIGHT else [RIGHT, heading]
    backwards = OPPOSITE[heading]
    return [turn for turn in STEP if _arms(glyph) & turn and turn != backwards]
