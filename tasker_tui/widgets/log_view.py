"""The output of a process, line by line: it follows the end, wraps long lines, and finds words."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tasker_tui.actions import bindings
from tasker_tui.text import folded, printable
from tasker_tui.themes import Palette
from tasker_tui.widgets.painting import palette_for

KEPT_LINES = 5000
INDENT = "    "


class LogView(ScrollView, can_focus=True):
    """Shows up to 5,000 lines. While it follows, the last one stays in view; moving up ends that."""

    BINDINGS = bindings("log")
    DEFAULT_CSS = """
    LogView { scrollbar-size-vertical: 1; overflow-x: hidden; scrollbar-gutter: stable; }
    """

    class Moved(Message):
        """It follows, wraps or searches otherwise than before."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.follows = True
        self.wraps = True
        self.sought = ""
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._rows: list[tuple[int, str]] = []
        self._at: int | None = None

    def show(self, lines: Iterable[str]) -> None:
        """Show the lines of something else."""
        self._lines.clear()
        self._at = None
        self.add(lines)

    def add(self, lines: Iterable[str]) -> None:
        """More lines at the end."""
        self._lines += [printable(line.expandtabs(4)) for line in lines]
        self._lay_out()

    def toggle_follow(self) -> None:
        """Stay at the end, or no longer."""
        self._follow(not self.follows)

    def toggle_wrap(self) -> None:
        """Break long lines, or cut them."""
        self.wraps = not self.wraps
        self._lay_out()
        self.post_message(self.Moved())

    def seek(self, text: str) -> None:
        """Mark a text, whatever its case, and go to where it stands last."""
        self.sought, self._at = text.casefold(), None
        self.refresh()
        self.next_match(-1)

    def next_match(self, direction: int) -> None:
        """Go on to the match below (1) or above (-1); around the ends."""
        found = [
            i for i, (_, text) in enumerate(self._rows) if self.sought and self.sought in text.casefold()
        ]
        if found:
            at = len(self._rows) if self._at is None else self._at
            beyond = [i for i in found if i > at] if direction > 0 else [i for i in found if i < at][::-1]
            self._at = beyond[0] if beyond else found[0 if direction > 0 else -1]
            self.follows = False
            self.scroll_to(y=max(0, self._at - self.size.height // 2), animate=False)
            self.refresh()
        self.post_message(self.Moved())

    @property
    def matches(self) -> int:
        """On how many lines the sought text stands."""
        return sum(self.sought in line.casefold() for line in self._lines) if self.sought else 0

    def action_do(self, action: str) -> None:
        """Move as the action says."""
        page = max(1, self.size.height - 1)
        steps = {"down": 1, "up": -1, "page_down": page, "page_up": -page}
        name = action.removeprefix("log.")
        if name == "last":
            self._follow(True)
            return
        top = 0 if name == "first" else self.scroll_offset.y + steps[name]
        self._follow(False)
        self.scroll_to(y=top, animate=False)

    def on_resize(self) -> None:
        """Break the lines anew."""
        self._lay_out()

    def _follow(self, follows: bool) -> None:
        self.follows = follows
        if follows:
            self._at = None
            self.scroll_end(animate=False, immediate=True, force=True)
        self.post_message(self.Moved())

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0:
            return
        self._rows = [
            (number, piece)
            for number, line in enumerate(self._lines)
            for piece in (folded(line, width, INDENT) if self.wraps else [line])
        ]
        self.virtual_size = Size(width, len(self._rows))
        if self.follows:
            self.scroll_end(animate=False, immediate=True, force=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the view."""
        palette, width = palette_for(self), self.scrollable_content_region.width
        index = self.scroll_offset.y + y
        if index >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        number, text = self._rows[index]
        style = _tone_of(self._lines[number], palette) if number < len(self._lines) else palette.text
        segments = [Segment(part, style + mark) for part, mark in _marked(text, self.sought)]
        strip = Strip(segments).crop(0, width).adjust_cell_length(width)
        return (strip.apply_style(palette.cursor) if index == self._at else strip).apply_style(
            self.rich_style
        )


def _marked(text: str, sought: str) -> Iterable[tuple[str, Style]]:
    """The text in parts, what is sought reversed."""
    lowered, at = text.casefold(), 0
    if sought and len(lowered) == len(text):
        while (found := lowered.find(sought, at)) >= 0:
            yield text[at:found], Style.null()
            yield text[found : found + len(sought)], Style(reverse=True)
            at = found + len(sought)
    yield text[at:], Style.null()


def _tone_of(line: str, palette: Palette) -> Style:
    begin = line[:60]
    if any(word in begin for word in ("ERROR", "CRITICAL", "FATAL", "Traceback")):
        return palette.tone("failed")
    if "WARNING" in begin:
        return palette.tone("waiting")
    return palette.accent if line.startswith("reload: ") else palette.text
