"""A table of any length: it draws the lines that are visible and asks for rows when it needs them.

The cursor is on a row's key, not on an index: rows that come in above it move the list, never the cursor.
Until the user has moved it, it stays on the first row, so that the newest is in view. (Reference tui 7.2:
DataTable measures every cell of every row.)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal, Protocol, TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tasker_tui.actions import bindings
from tasker_tui.text import fit
from tasker_tui.themes import Palette
from tasker_tui.widgets.painting import palette_for

R = TypeVar("R")
Runs = Sequence[tuple[str, Style]]
HEADER_LINES = 1
LESS_FIRST, MORE_FIRST = "▴", "▾"
"""Behind the title of the column that sorts."""


class RowSource(Protocol[R]):
    """Where rows are: `total` of them, some of which are in memory."""

    @property
    def total(self) -> int: ...

    def row_at(self, index: int) -> R | None: ...

    def index_of(self, key: str) -> int | None: ...

    def key_of(self, row: R) -> str: ...


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """`width` in cells; the one column with 0 takes what is left. `cell` gives runs of styled text, and so
    does `header`, where the head of the column says more than its title. `rank` is what the order of the
    column goes by, of an age its length; None for a row that has none. Without it the column cannot sort."""

    title: str
    width: int
    cell: Callable[[R, int, Palette], Runs]
    align: Literal["left", "right"] = "left"
    header: Callable[[int, Palette], Runs] | None = None
    rank: Callable[[R], str | float | None] | None = None


class VirtualTable(ScrollView, Generic[R], can_focus=True):
    """Shows a `RowSource` in columns that `columns_for` chooses by the width."""

    BINDINGS = bindings("list")

    class Highlighted(Message):
        """The cursor is on another row, or on none. `chosen`: it was moved there, not the rows."""

        def __init__(self, key: str | None, chosen: bool = False) -> None:
            super().__init__()
            self.key, self.chosen = key, chosen

    class Opened(Message):
        """The row was clicked twice."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class ViewChanged(Message):
        """These indices are in view now; some of them may not be in memory."""

        def __init__(self, first: int, last: int) -> None:
            super().__init__()
            self.first, self.last = first, last

    def __init__(
        self,
        source: RowSource[R],
        columns_for: Callable[[int], Sequence[Column[R]]],
        empty: Callable[[], Iterable[str]] = tuple,
        *,
        marked: Callable[[R], bool] = lambda _: False,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.source = source
        self._columns_for, self._empty, self._marked = columns_for, empty, marked
        self._columns: Sequence[Column[R]] = ()
        self._key: str | None = None
        self._index = 0
        self._follows_top = True
        self._held = False
        self._chosen = False
        self._stale = False
        self._reported: tuple[int, int] | None = None
        self._sorted_by = ("", "")
        self._painted: dict[int, Runs] = {}
        self._ground = Style.null()
        self._width = 0

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._key

    @property
    def cursor_row(self) -> R | None:
        """The row under the cursor, None while it is not in memory."""
        return self.source.row_at(self._index) if self._key is not None else None

    @property
    def titles(self) -> Collection[str]:
        """Of the columns that there is room for."""
        return [column.title for column in self._columns]

    @property
    def hidden_above(self) -> int:
        """How many rows are hidden above the view."""
        return self.scroll_offset.y

    @property
    def page(self) -> int:
        """How many rows are visible."""
        return max(1, self.scrollable_content_region.height - HEADER_LINES)

    def on_resize(self) -> None:
        """Choose the columns anew and keep the cursor in view."""
        self._columns = _with_widths(self._columns_for(self._inner_width), self._inner_width)
        self._resize_content()
        self._show_cursor()
        self.refresh()  # rows may have been there before the size was known
        self._reported = None  # other columns may show more of the same rows
        self._report_view()

    @property
    def _inner_width(self) -> int:
        return self.scrollable_content_region.width

    def _resize_content(self) -> None:
        self.virtual_size = Size(self._inner_width, self.source.total + HEADER_LINES)

    def show_order(self, title: str, sign: str) -> None:
        """The head of this column gets a sign; with no title none does."""
        self._sorted_by = (title, sign)
        self.refresh()

    def start_anew(self) -> None:
        """Another list is on its way. Until `rows_moved` the old one is shown without a cursor to act on."""
        self._key, self._index, self._follows_top, self._stale = None, 0, not self._held, True
        self._chosen = False
        self.scroll_to(0, 0, animate=False)
        self.refresh()
        self.post_message(self.Highlighted(None))

    def hold(self, held: bool) -> None:
        """Whether the cursor stays with its row also where it would follow the newest."""
        if held != self._held:
            self._held = held
            self._follows_top = self._index == 0 and not held

    def rows_moved(self) -> None:
        """Rows came, left or moved: stay with the cursor's row, at the line where it is on the screen."""
        self._stale = False
        on_screen = self._index - self.scroll_offset.y
        if not self._follows_top and self._key is not None:
            self._index = _first_of(self.source.index_of(self._key), self._index)
        self._index = max(0, min(self._index, self.source.total - 1))
        self._resize_content()
        if not self._follows_top and 0 <= on_screen < self.page:
            self.scroll_to(y=max(0, self._index - on_screen), animate=False)
        self._take_key()
        self._repaint(lambda _: True)
        self._report_view()

    def rows_changed(self, keys: Collection[str]) -> None:
        """Rows look different but stand where they stood."""
        self.refresh_rows(lambda row: self.source.key_of(row) in keys)
        if self._key in keys:
            self.post_message(self.Highlighted(self._key))

    def refresh_rows(self, which: Callable[[R], bool]) -> None:
        """Paint the visible rows again that fit and look different."""
        self._repaint(lambda index: (row := self.source.row_at(index)) is not None and which(row))

    def _repaint(self, which: Callable[[int], bool]) -> None:
        palette, first = palette_for(self), self.scroll_offset.y
        changed = [
            index
            for index in range(first, first + self.page)
            if which(index) and self._painted.get(index - first) != self._row(index, palette)
        ]
        if self.source.total == 0 or 2 * len(changed) > self.page:
            self.refresh()
            return
        for index in changed:
            self.refresh_line(index + HEADER_LINES)

    def move_to(self, index: int) -> None:
        """Put the cursor on an index, also on one that is not in memory yet."""
        if self._stale:
            return
        before = self._index
        self._index = max(0, min(index, self.source.total - 1))
        self._follows_top = self._index == 0 and not self._held
        self._chosen = True
        self.refresh_line(before + HEADER_LINES)
        self.refresh_line(self._index + HEADER_LINES)
        self._take_key()
        self._show_cursor()

    def action_do(self, action: str) -> None:
        """Move as the action says."""
        steps = {"down": 1, "up": -1, "page_down": self.page, "page_up": -self.page}
        name = action.removeprefix("list.")
        if name in steps:
            self.move_to(self._index + steps[name])
        else:
            self.move_to(0 if name == "first" else self.source.total - 1)

    def _take_key(self) -> None:
        row = self.source.row_at(self._index)
        key = None if row is None else self.source.key_of(row)
        if key != self._key:
            self._key = key
            self.post_message(self.Highlighted(key, self._chosen))
        if key is not None:
            self._chosen = False

    def _show_cursor(self) -> None:
        top = self.scroll_offset.y
        if self._index < top:
            self.scroll_to(y=self._index, animate=False)
        elif self._index >= top + self.page:
            self.scroll_to(y=self._index - self.page + 1, animate=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Report what is in view, besides what every scroll view does."""
        super().watch_scroll_y(old_value, new_value)
        self.call_later(self._report_view)

    def _report_view(self) -> None:
        first = self.scroll_offset.y
        view = (first, first + self.page - 1)
        if view != self._reported:
            self._reported = view
            self.post_message(self.ViewChanged(*view))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one opens."""
        index = self.scroll_offset.y + event.y - HEADER_LINES
        if event.y < HEADER_LINES or not 0 <= index < self.source.total:
            return
        self.move_to(index)
        if event.chain == 2 and self._key is not None:
            self.post_message(self.Opened(self._key))

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of the view that are made anew; what is the same for all is looked up once."""
        self._ground, self._width = self.rich_style, self._inner_width
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        palette, width = palette_for(self), self._width
        if y < HEADER_LINES:
            runs: Runs = self._header(palette)
        elif self.source.total == 0:
            runs = self._empty_line(y - HEADER_LINES, palette)
        else:
            runs = self._row(self.scroll_offset.y + y - HEADER_LINES, palette)
            self._painted[y - HEADER_LINES] = runs
        under_cursor = self.source.total and y >= HEADER_LINES and self._is_cursor(y)
        ground = self._ground + palette.cursor if under_cursor else self._ground
        segments = [Segment(text, ground + style) for text, style in runs if text]
        left = width - sum(cell_len(text) for text, _ in runs)
        if left < 0:
            return Strip(segments).crop(0, width)
        return Strip([*segments, Segment(" " * left, ground)], width)

    def _is_cursor(self, y: int) -> bool:
        return not self._stale and self.scroll_offset.y + y - HEADER_LINES == self._index

    def _header(self, palette: Palette) -> Runs:
        runs: list[tuple[str, Style]] = [("  ", palette.muted)]
        for column in self._columns:
            if column.header:
                runs += [*column.header(column.width, palette), (" ", palette.muted)]
                continue
            title, sorts = column.title[: column.width], column.title == self._sorted_by[0] != ""
            if sorts:  # behind a title that fills its column the sign stands in the gap
                title += self._sorted_by[1]
            shown = title.rjust(column.width) if column.align == "right" else title
            runs.append((shown.ljust(column.width + 1), palette.strong if sorts else palette.muted))
        return runs

    def _empty_line(self, line: int, palette: Palette) -> Runs:
        lines = list(self._empty())
        shown = lines[line - 1] if 1 <= line <= len(lines) else ""
        return [("  " + shown, palette.strong if line == 1 else palette.muted)]

    def _row(self, index: int, palette: Palette) -> Runs:
        if index >= self.source.total:
            return []
        row = self.source.row_at(index)
        cursor = "▌" if index == self._index and not self._stale else " "
        mark = "*" if row is not None and self._marked(row) else " "
        marker = (cursor + mark, palette.accent)
        if row is None:
            return [marker, ("· · ·", palette.faint)]
        runs: list[tuple[str, Style]] = [marker]
        for column in self._columns:
            runs += _aligned(column.cell(row, column.width, palette), column)
        return [(text, palette.faint) for text, _ in runs] if self._stale else runs


def _with_widths(columns: Sequence[Column[R]], width: int) -> Sequence[Column[R]]:
    fixed = sum(column.width for column in columns) + len(columns) + 2
    return [
        replace(column, width=max(4, width - fixed)) if column.width == 0 else column for column in columns
    ]


def _aligned(runs: Runs, column: Column[R]) -> Runs:
    """The cell and a gap, which as a run of its own would be handled a dozen times on its way out."""
    if len(runs) == 1:
        text, style = runs[0]
        if column.align == "right" and len(text) < column.width:
            text = text.rjust(column.width)
        return [(fit(text, column.width) + " ", style)]
    return [*runs, (" ", Style.null())]


def _first_of(found: int | None, otherwise: int) -> int:
    return otherwise if found is None else found
