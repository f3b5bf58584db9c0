"""The widget that shows a drawing: only the lines in view are made, and a change of state only recolours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len, set_cell_size
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
from tasker_tui.states import LOUDEST_FIRST, Mark, Tone
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
HEAVY = str.maketrans("─│╭╮╰╯├┤┬┴-|", "━┃┏┓┗┛┣┫┳┻=#")
"""A path that stands out does so without colour as well. Crosses stay: the other line is no part of it."""


class DagView(ScrollView, can_focus=True):
    """Shows one graph with a cursor on a node; what the node depends on and what depends on it stands out."""

    BINDINGS = bindings("graph")

    class Moved(Message):
        """The cursor is on another node."""

        def __init__(self, node_id: str) -> None:
            super().__init__()
            self.node_id = node_id

    class Asked(Message):
        """A key was pressed that asks for another drawing; `graph.left` and `graph.right` at its edge."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self, ascii_only: bool, empty: Callable[[], str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii, self._empty = ascii_only, empty
        self._painter: Painter | None = None
        self._marks: Sequence[Mark] = ()
        self._counts: Sequence[str] = ()
        self._path: tuple[frozenset[int], int, Tone] = frozenset(), 0, "idle"
        self._tones: dict[Tone, int] = {}
        self._cursor = 0
        self._related: frozenset[int] = frozenset()
        self._related_edges = 0
        self._ground = Style.null()
        self._palette: Palette | None = None
        self._line_styles: dict[int, tuple[Style, bool]] = {}

    @property
    def drawing(self) -> Drawing | None:
        """What is shown."""
        return self._painter.drawing if self._painter else None

    def show(
        self,
        drawing: Drawing | None,
        cursor_id: str | None,
        marks: Sequence[Mark],
        counts: Sequence[str] = (),
    ) -> None:
        """Show another graph, with the cursor on the node of that id or else on the first."""
        self._path = frozenset(), 0, "idle"
        charset: Charset = "ascii" if self._ascii else "unicode"
        self._painter = Painter(drawing, charset) if drawing and drawing.graph.ids else None
        if self._painter is None:
            self.virtual_size = Size(0, 0)
        else:
            self.virtual_size = Size(self._painter.drawing.width + 2 * MARGIN, self._painter.drawing.height)
            self.select(cursor_id)
        self.recolour(marks, counts)

    def recolour(self, marks: Sequence[Mark], counts: Sequence[str] = ()) -> None:
        """Show the nodes' states, in the order of the graph, and behind folded ones how many have it."""
        self._marks, self._counts = marks, counts
        self._tones = {}
        self._line_styles = {}
        if self.drawing is not None:
            for i, (source, _) in enumerate(self.drawing.graph.edges):
                tone = marks[source].tone
                self._tones[tone] = self._tones.get(tone, 0) | 1 << i
        self.refresh()

    def emphasize(self, nodes: frozenset[int], edges: int, tone: Tone) -> None:
        """Let a path stand out; `edges` is a bit mask."""
        self._path = nodes, edges, tone
        self._line_styles = {}
        self.refresh()

    @property
    def cursor(self) -> int:
        """The node under the cursor."""
        return self._cursor

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
        self._line_styles = {}
        # What it is to scroll in has its size and its scroll bars after the next layout only.
        self.call_after_refresh(self._show_cursor)
        self.refresh()

    def action_do(self, action: str) -> None:
        """Move the cursor as the action says, or ask for what it says."""
        direction = DIRECTIONS.get(action)
        if self.drawing is None:
            return
        there = move(self.drawing, self._cursor, direction) if direction else self._cursor
        if direction is None or (there == self._cursor and direction in ("left", "right")):
            self.post_message(self.Asked(action))
        else:
            self._go(there)

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
            self._show_cursor()
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

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of the view that are made anew; what is the same for all is looked up once."""
        looks = self.rich_style, palette_for(self)
        if looks != (self._ground, self._palette):
            self._ground, self._palette = looks
            self._line_styles = {}
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        palette, width = palette_for(self), self.scrollable_content_region.width
        if self._painter is None:
            middle = self.scrollable_content_region.height // 2
            text = self._empty().center(width) if y == middle else ""
            return Strip([Segment(text, palette.muted)]).adjust_cell_length(width).apply_style(self._ground)
        left, top = self._origin()
        row = y + self.scroll_offset.y - top
        segments = self._segments(row, left, palette) if 0 <= row < self._painter.drawing.height else []
        return Strip(segments).crop_extend(self.scroll_offset.x, self.scroll_offset.x + width, self._ground)

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
            if x > at:
                segments.append(Segment(" " * (x - at), self._ground))
            if isinstance(piece, NodePiece):
                node = self._node(piece.node, palette)
                segments += node
                at = x + sum(segment.cell_length for segment in node)
            else:
                segments.append(self._line(piece, palette))
                at = x + len(piece.text)
        return segments

    def _node(self, node: int, palette: Palette) -> list[Segment]:
        assert self._painter is not None
        drawing, mark = self._painter.drawing, self._marks[node]
        glyph = self._ground + palette.tone(mark.tone, bold=True)
        label = self._ground + self._label_style(node, mark, palette)
        if node == self._cursor:
            glyph, label = glyph + palette.cursor, label + palette.cursor
        head = Segment(set_cell_size(mark.glyph(self._ascii), NODE_EXTRA), glyph)
        room, name = drawing.places[node].width - NODE_EXTRA, drawing.graph.labels[node]
        if not name.endswith(" "):
            return [head, Segment(fit(name, room), label)]
        count = self._counts[node] if self._counts else ""
        shown = f"{name.rstrip()} {count}".rstrip()
        edges = drawing.layered.carries[node]
        if not edges:
            return [head, Segment(shown, label)]
        line = LinePiece(0, "─-"[self._ascii] * (room - cell_len(shown)), edges)
        return [head, Segment(shown, label), Segment(" ", self._ground), self._line(line, palette)]

    def _label_style(self, node: int, mark: Mark, palette: Palette) -> Style:
        stands_out = node in self._related or node in self._path[0]
        if mark.tone in ("failed", "waiting", "running"):
            style = palette.tone(mark.tone)
        else:
            style = palette.text if stands_out else palette.muted
        return style + Style(bold=True) if stands_out else style

    def _line(self, piece: LinePiece, palette: Palette) -> Segment:
        """Many pieces are of the same edges; what these look like is worked out once."""
        if piece.edges not in self._line_styles:
            self._line_styles[piece.edges] = self._line_style(piece.edges, palette)
        style, stands_out = self._line_styles[piece.edges]
        return Segment(piece.text.translate(HEAVY) if stands_out else piece.text, style)

    def _line_style(self, edges: int, palette: Palette) -> tuple[Style, bool]:
        _, path, tone = self._path
        if edges & path:
            return self._ground + palette.tone(tone, bold=True), True
        tone = self._tone_of(edges)
        style = palette.tone(tone) if edges & self._related_edges else palette.wires[tone]
        return self._ground + style, False

    def _tone_of(self, edges: int) -> Tone:
        """Where edges share a line, it has the tone of the source that matters most."""
        for tone in LOUDEST_FIRST:
            if edges & self._tones.get(tone, 0):
                return tone
        return "idle"
