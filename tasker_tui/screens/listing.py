"""What the screens share that list something of the server, with the row under the cursor told below."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import ClassVar, Generic, TypeVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tasker_tui.actions import Focus, bindings
from tasker_tui.feed import News
from tasker_tui.keymap import with_keys
from tasker_tui.loading import Loading
from tasker_tui.locator import Locator, tasks_at
from tasker_tui.modals.sort import SortChooser
from tasker_tui.row_filter import parse_row_filter
from tasker_tui.rows import Rows
from tasker_tui.screens.base import Handlers, OperatorScreen
from tasker_tui.services import Services
from tasker_tui.sorting import Sorting
from tasker_tui.text import count
from tasker_tui.themes import Palette
from tasker_tui.trouble import CALL_FAILURES, explain
from tasker_tui.widgets.line_prompt import LinePrompt
from tasker_tui.widgets.painting import palette_for, show_titles
from tasker_tui.widgets.virtual_table import Column, VirtualTable

R = TypeVar("R")

RELOAD_SECONDS = 1.0
"""While tasks change, the list is asked for at most this often."""
NO_TEMPLATE = (
    "No template has been registered yet.",
    "",
    "A worker registers its templates when it starts:",
    "tasker worker --templates FOLDER --handlers FOLDER",
)
IDLE_SECONDS = 5.0
"""And at least this often, as not every change is one of a task."""
SEARCHED_WIDTH = 200


class ListScreen(OperatorScreen, Generic[R]):
    """`TITLE_WORD` is the title of the list, and its crumb in lower case; `PLACE` leads to it."""

    BINDINGS = bindings("rows")
    TITLE_WORD: ClassVar[str]
    PLACE: ClassVar[str]

    class Arrived(Message):
        """The rows were loaded."""

        def __init__(self, rows: Sequence[object]) -> None:
            super().__init__()
            self.rows = rows

    class Failed(Message):
        """The rows could not be loaded."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    def __init__(self, services: Services, query: str) -> None:
        super().__init__(services)
        self._sorting = Sorting(lambda: self.columns(SEARCHED_WIDTH))
        self._rows = Rows(self.key_of, self.searched, self._sorting.ordered)
        self._rows.filter = parse_row_filter(query)
        self._loading = Loading(self, self._load, "listing")
        self._loaded = False
        self._waiting = False
        self._behind = False
        self._idle = 0.0
        self._trouble: str | None = None

    def heading(self) -> str:
        """The title of the list."""
        return self.TITLE_WORD

    @abstractmethod
    def key_of(self, row: R) -> str:
        """What tells a row from the others."""

    @abstractmethod
    def columns(self, width: int) -> Sequence[Column[R]]:
        """The columns for a list of this width in cells."""

    @abstractmethod
    async def fetch(self) -> Sequence[R]:
        """Ask the server for the rows."""

    @abstractmethod
    def told(self, row: R, width: int, palette: Palette) -> Text:
        """All that is known of a row."""

    def place_of(self, row: R) -> Locator | None:
        """Where a row leads; None if nowhere."""
        return None

    def is_marked(self, row: R) -> bool:
        """Whether a row is one of several that are acted on together."""
        return False

    @abstractmethod
    def summary(self, rows: Sequence[R]) -> str:
        """The rows in one line."""

    @abstractmethod
    def when_empty(self) -> list[str]:
        """What an empty list says: what it means, and what to do; `{runs.back}` is the key that does it."""

    def searched(self, row: R) -> str:
        """What a filter looks at: the cells of the row, and all that is told of it."""
        palette = palette_for(self)
        cells = (column.cell(row, column.width or 80, palette) for column in self.columns(SEARCHED_WIDTH))
        line = " ".join("".join(text for text, _ in runs) for runs in cells)
        return f"{line}\n{self.told(row, SEARCHED_WIDTH, palette).plain}"

    def all_handlers(self) -> Handlers:
        """Those of the screen, the filter, and the order."""
        return {
            **self.handlers(),
            "rows.filter": lambda: self.query_one(LinePrompt).open(self._rows.filter.text),
            "rows.sort": self._choose_order,
            "rows.sort_left": lambda: self._sort(self._sorting.move, -1),
            "rows.sort_right": lambda: self._sort(self._sorting.move, 1),
            "rows.reverse": lambda: self._sort(self._sorting.reverse),
        }

    def action_do(self, action_id: str) -> None:
        """The way back leads out of the filter first."""
        if action_id.endswith(".back") and self._rows.filter.text:
            self._narrow("")
        else:
            super().action_do(action_id)

    def compose_body(self) -> ComposeResult:
        """The list, below it the row under the cursor, and the hidden prompt."""
        with Vertical(id="listing-body"):
            marked = self.is_marked
            yield VirtualTable[R](self._rows, self.columns, self._empty_lines, marked=marked, id="listing")
            with VerticalScroll(id="told", can_focus=False):
                yield Static(id="told-text", markup=False)
        yield LinePrompt(parse_row_filter, "text !without /regex/ ~fuzzy")

    def on_mount(self) -> None:
        """Load the rows."""
        self._title()
        self.table.focus()
        self.reload()

    @property
    def table(self) -> VirtualTable[R]:
        """The list's widget."""
        return self.query_one("#listing", VirtualTable)

    def crumbs(self) -> tuple[str, ...]:
        """Below the list of tasks."""
        return ("tasks", self.TITLE_WORD.lower())

    def locator(self) -> Locator:
        """The filtered list."""
        return Locator(self.PLACE, query=self._rows.filter.text)

    def go_to(self, where: Locator) -> None:
        """Narrow the list."""
        self._narrow(where.query)

    def task_ids(self) -> Iterable[str]:
        """Those that rows lead to."""
        return tasks_at(map(self.place_of, self._rows.all))

    def on_news(self, news: News) -> None:
        """Something changed: look again soon."""
        super().on_news(news)
        if not self._waiting:
            self._waiting = True
            self._reload_later()

    def on_tick(self) -> None:
        """Ages go on; what no news tells is looked at now and then."""
        super().on_tick()
        self.table.refresh()
        self._idle += 1.0
        if self._idle >= IDLE_SECONDS:
            self._look_again()

    def on_screen_resume(self) -> None:
        """Catch up with what has changed while the list was covered."""
        if self._behind:
            self.reload()

    def on_list_screen_arrived(self, event: Arrived) -> None:
        """Show them; the cursor stays with its row."""
        self._loaded, self._trouble = True, None
        self._rows.load(event.rows)  # type: ignore[arg-type]
        self._moved()

    def on_list_screen_failed(self, event: Failed) -> None:
        """Say so, if there is nothing to show."""
        self._trouble = event.reason
        self.table.refresh()

    def on_virtual_table_highlighted(self, event: VirtualTable.Highlighted) -> None:
        """Another row."""
        self._tell()
        self.show_state()

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """Two clicks open."""
        self.open_selected()

    def on_line_prompt_changed(self, event: LinePrompt.Changed) -> None:
        """Narrow the list while the filter is typed."""
        self._narrow(event.text)
        if event.settled:
            self.table.focus()

    @property
    def place(self) -> Locator | None:
        """Where the row under the cursor leads."""
        row = self.table.cursor_row
        return self.place_of(row) if row is not None else None

    def open_selected(self) -> None:
        """Go where the row under the cursor leads."""
        if self.place is not None:
            self.services.go(self.place)

    def reload(self) -> None:
        """Ask for the rows again."""
        self._idle, self._behind = 0.0, False
        self._loading.ask()

    def _focus(self) -> Focus:
        return replace(super()._focus(), sorted=bool(self._sorting.title))

    def _narrow(self, text: str) -> None:
        self._rows.narrow(parse_row_filter(text))
        self._moved()

    def _choose_order(self) -> None:
        def chosen(title: str | None) -> None:
            if title is not None:
                self._sort(self._sorting.choose, title)

        sorting = self._sorting
        self.app.push_screen(SortChooser(sorting.titles, sorting.title, sorting.sign), chosen)

    def _sort(self, change: Callable[..., None], *how: object) -> None:
        """Change the order. While a column sorts, the cursor stays with its row also on the first line: what
        stands there may change with every answer."""
        change(*how)
        sorting, table = self._sorting, self.table
        self._rows.arrange()
        table.show_order(sorting.title, sorting.sign)
        table.hold(True)
        self._moved()
        table.hold(bool(sorting.title))

    def _moved(self) -> None:
        self._title()
        self.table.rows_moved()
        self._tell()
        self.show_state()

    def _title(self) -> None:
        rows, sorting, text = self._rows, self._sorting, self._rows.filter.text
        title = Content(f"{self.heading()}  /{text}" if text else self.heading())
        some = f"{count(len(rows.rows))} of {count(len(rows.all))} shown   " if text else ""
        order = f"by {sorting.title}{sorting.sign}   " if sorting.title else ""
        told = f"{order}{some}{self.summary(rows.rows)}" if self._loaded else ""
        show_titles(self.table, title, Content(told))

    def _tell(self) -> None:
        row = self.table.cursor_row
        width = self.query_one("#told").scrollable_content_region.width
        text = self.told(row, max(20, width), palette_for(self)) if row is not None else ""
        self.query_one("#told-text", Static).update(text)

    async def _load(self) -> None:
        try:
            found = await self.fetch()
        except CALL_FAILURES as error:
            self.post_message(self.Failed(explain(error)))
        else:
            self.post_message(self.Arrived(found))

    @work(group="listing-later")
    async def _reload_later(self) -> None:
        await self.services.clock.sleep(RELOAD_SECONDS)
        self._waiting = False
        self._look_again()

    def _look_again(self) -> None:
        if self.in_view:
            self.reload()
        else:
            self._behind = True

    def _empty_lines(self) -> list[str]:
        if self._trouble:
            return [self._trouble[:1].upper() + self._trouble[1:], "", "It is tried again by itself."]
        if self._rows.filter.text and self._rows.all:
            here = f"{{rows.filter}} changes it, {{{self.SCOPES[0]}.back}} shows all."
            return ["No row fits this filter.", "", with_keys(self.app, here)]
        return [with_keys(self.app, line) for line in self.when_empty()] if self._loaded else ["Loading…"]
