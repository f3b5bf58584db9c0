"""The widget that shows a drawing: only the lines in view are made, and a change of state only recolours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size, Spacing
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tasker_tui.actions import bindings
from tasker_tui.dag.cursor import Direction, downstream, edges_between, move, upstream
from tasker_tui.dag.glyphs import Charset, LinePiece, NodePiece, Painter
from tasker_tui.dag.layout import LABEL_LIMIT, NODE_EXTRA, Drawing
from tasker_tui.states import Mark, Tone
from tasker_tui.text import fit
from tasker_tui.themes import Palette
from tasker_tui.widgets.painting import palette_for

DIRECTIONS: dict[str, Direction] = {
    "graph.left": "left",
    "graph.right": "right",
    "graph.up": "up",
    "graph.down": "down",
    "graph.first": "first",
    "graph.last": "last",
}
LONGEST_NODE = LABEL_LIMIT + NODE_EXTRA
MARGIN = 2
"""Empty cells left and right of the drawing."""
LOUDEST_FIRST: tuple[Tone, ...] = (
    "failed",
    "waiting",
    "running",
    "queued",
    "idle",
    "stopped",
    "manual",
    "ok",
)
"""Where edges share a line, it has the tone of the source that matters most."""


class DagView(ScrollView, can_focus=True):
    """Shows one graph with a cursor on a node; what the node depends on and what depends on it stands out."""

    BINDINGS = bindings("graph")

    class Moved(Message):
        """The cursor is on another node."""

        def __init__(self, node_id: str) -> None:
            super().__init__()
            self.node_id = node_id

    def __init__(self, ascii_only: bool, empty: Callable[[], str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii, self._empty = ascii_only, empty
        self._painter: Painter | None = None
        self._marks: Sequence[Mark] = ()
        self._tones: dict[Tone, int] = {}
        self._cursor = 0
        self._related: frozenset[int] = frozenset()
        self._related_edges = 0

    @property
    def drawing(self) -> Drawing | None:
        """What is shown."""
        return self._painter.drawing if self._painter else None

    def show(self, drawing: Drawing | None, cursor_id: str | None) -> None:
        """Show another graph, with the cursor on the node of that id or else on the first."""
        charset: Charset = "ascii" if self._ascii else "unicode"
        self._painter = Painter(drawing, charset) if drawing and drawing.graph.ids else None
        if self._painter is None:
            self.virtual_size = Size(0, 0)
        else:
            self.virtual_size = Size(self._painter.drawing.width + 2 * MARGIN, self._painter.drawing.height)
            self.select(cursor_id)
        self.refresh()

    def recolour(self, marks: Sequence[Mark]) -> None:
        """Show the nodes' states, in the order of the graph's nodes."""
        self._marks = marks
        self._tones = {}
        if self.drawing is not None:
            for i, (source, _) in enumerate(self.drawing.graph.edges):
                tone = marks[source].tone
                self._tones[tone] = self._tones.get(tone, 0) | 1 << i
        self.refresh()

    def select(self, node_id: str | None) -> None:
        """Put the cursor on a node."""
        drawing = self.drawing
        if drawing is None:
            return
        ids = drawing.graph.ids
        self._cursor = ids.index(node_id) if node_id in ids else 0
        around = upstream(drawing, self._cursor) | {self._cursor}
        below = downstream(drawing, self._cursor) | {self._cursor}
        self._related = around | below
        self._related_edges = edges_between(drawing, around) | edges_between(drawing, below)
        self._show_cursor()
        self.refresh()

    def action_do(self, action: str) -> None:
        """Move the cursor as the action says."""
        if self.drawing is not None:
            self._go(move(self.drawing, self._cursor, DIRECTIONS[action]))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor to the node under it."""
        left, top = self._origin()
        x, y = event.x + self.scroll_offset.x - left, event.y + self.scroll_offset.y - top
        for node, place in enumerate(self.drawing.places if self.drawing else ()):
            if place.y == y and place.x <= x < place.x + place.width:
                self._go(node)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._show_cursor()

    def _go(self, node: int) -> None:
        drawing = self.drawing
        if drawing is not None and node != self._cursor:
            self.select(drawing.graph.ids[node])
            self.post_message(self.Moved(drawing.graph.ids[node]))

    def _show_cursor(self) -> None:
        drawing = self.drawing
        if drawing is not None and self.is_attached:
            place = drawing.places[self._cursor]
            node = Region(place.x + MARGIN, place.y, place.width, 1)
            self.scroll_to_region(node, spacing=Spacing(1, 12, 1, 12), animate=False, force=True)

    def _origin(self) -> tuple[int, int]:
        """Where the drawing begins: centred if there is room to spare."""
        if self.drawing is None:
            return 0, 0
        room = self.scrollable_content_region
        return (
            max(MARGIN, (room.width - self.drawing.width) // 2),
            max(0, (room.height - self.drawing.height) // 2),
        )

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        palette, width = palette_for(self), self.scrollable_content_region.width
        if self._painter is None:
            middle = self.scrollable_content_region.height // 2
            text = self._empty().center(width) if y == middle else ""
            return (
                Strip([Segment(text, palette.muted)]).adjust_cell_length(width).apply_style(self.rich_style)
            )
        left, top = self._origin()
        row = y + self.scroll_offset.y - top
        segments = self._segments(row, left, palette) if 0 <= row < self._painter.drawing.height else []
        strip = Strip(segments).crop_extend(self.scroll_offset.x, self.scroll_offset.x + width, None)
        return strip.apply_style(self.rich_style)

    def _segments(self, row: int, left: int, palette: Palette) -> list[Segment]:
        segments: list[Segment] = []
        at = 0
        assert self._painter is not None
        begin = self.scroll_offset.x - LONGEST_NODE
        end = self.scroll_offset.x + self.scrollable_content_region.width
        for piece in self._painter.row(row):
            x = piece.x + left
            if x >= end:
                break
            if x < begin and (isinstance(piece, NodePiece) or x + len(piece.text) <= begin):
                continue
            segments.append(Segment(" " * (x - at)))
            if isinstance(piece, NodePiece):
                node = self._node(piece.node, palette)
                segments += node
                at = x + self._painter.drawing.places[piece.node].width
            else:
                segments.append(Segment(piece.text, self._line_style(piece, palette)))
                at = x + len(piece.text)
        return segments

    def _node(self, node: int, palette: Palette) -> list[Segment]:
        assert self._painter is not None
        drawing, mark = self._painter.drawing, self._marks[node]
        glyph = palette.tone(mark.tone, bold=True)
        label = self._label_style(node, mark, palette)
        if node == self._cursor:
            glyph, label = glyph + palette.cursor, label + palette.cursor
        text = fit(drawing.graph.labels[node], drawing.places[node].width - NODE_EXTRA)
        return [Segment(set_cell_size(mark.glyph(self._ascii), NODE_EXTRA), glyph), Segment(text, label)]

    def _label_style(self, node: int, mark: Mark, palette: Palette) -> Style:
        if mark.tone in ("failed", "waiting", "running"):
            style = palette.tone(mark.tone)
        else:
            style = palette.text if node in self._related else palette.muted
        return style + Style(bold=True) if node in self._related else style

    def _line_style(self, piece: LinePiece, palette: Palette) -> Style:
        tone = self._tone_of(piece.edges)
        if piece.edges & self._related_edges:
            return palette.tone(tone)
        return palette.wires[tone]

    def _tone_of(self, edges: int) -> Tone:
        for tone in LOUDEST_FIRST:
            if edges & self._tones.get(tone, 0):
                return tone
        return "idle"
