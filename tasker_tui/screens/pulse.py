"""The health of the whole system on one screen; each line leads to the screen where it is dealt with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.app import ComposeResult
from textual.message import Message

from engine.model.wire.health import DetailedHealthResponse
from tasker_tui.actions import Focus, bindings
from tasker_tui.feed import News
from tasker_tui.loading import Loading
from tasker_tui.locator import Locator
from tasker_tui.pulse import Pulse, read_health, read_pulse, server_troubles
from tasker_tui.screens.base import Handlers, OperatorScreen
from tasker_tui.services import Services
from tasker_tui.themes import Palette
from tasker_tui.trouble import CALL_FAILURES, explain
from tasker_tui.widgets.pulse_lines import PulseLine, PulseLines
from tasker_tui.widgets.virtual_table import Column, Runs, VirtualTable

BUSY_SECONDS, IDLE_SECONDS = 2, 10
"""Between two readings while tasks change, and while none does."""
TALL = 34
"""From so many lines on there are gaps and a curve."""
SECTION = 11


class Lines:
    """The lines in order."""

    def __init__(self) -> None:
        self.rows: Sequence[PulseLine] = ()

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.rows)

    def row_at(self, index: int) -> PulseLine | None:
        """The line at an index."""
        return self.rows[index] if 0 <= index < len(self.rows) else None

    def index_of(self, key: str) -> int | None:
        """Where a line stands."""
        return next((i for i, row in enumerate(self.rows) if row.key == key), None)

    def key_of(self, row: PulseLine) -> str:
        """What the cursor holds on to."""
        return row.key


class PulseTable(VirtualTable[PulseLine]):
    """Its cursor skips the lines that lead nowhere by themselves."""

    def move_to(self, index: int) -> None:
        """Go on in the same direction to the next line to stand on."""
        step = 1 if index >= self._index else -1
        while (row := self.source.row_at(index)) is not None and not row.solid:
            index += step
        super().move_to(index)


class PulseScreen(OperatorScreen):
    """Reads everything again every few seconds."""

    SCOPES = ("pulse",)
    BINDINGS = bindings("pulse")
    DEFAULT_CSS = """
    #pulse { border: round $border; border-title-style: bold; border-subtitle-color: $foreground 60%;
             padding: 0 1 0 0; height: 1fr; }
    """

    class Arrived(Message):
        """A reading was made, or could not be; the server may say how it is all the same."""

        def __init__(
            self, pulse: Pulse | None, problem: str = "", health: DetailedHealthResponse | None = None
        ) -> None:
            super().__init__()
            self.pulse, self.problem, self.health = pulse, problem, health

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._lines, self._make = Lines(), PulseLines(services.ascii_only)
        self._pulse: Pulse | None = None
        self._problem = ""
        self._unfit: list[str] = []
        self._age, self._changed = 0, False
        self._loading = Loading(self, self._load, "pulse")

    def compose_body(self) -> ComposeResult:
        """One list of lines."""
        table = PulseTable(self._lines, self._columns, self._empty_lines, id="pulse")
        table.border_title = "Pulse"
        yield table

    def on_mount(self) -> None:
        """Make the first reading."""
        self.table.focus()
        self._loading.ask()

    @property
    def table(self) -> PulseTable:
        """The lines' widget."""
        return self.query_one(PulseTable)

    def focus_state(self) -> Focus:
        """Where the line under the cursor leads."""
        row = self.table.cursor_row
        return Focus(connected=self.services.link.live, place=row.place if row else None)

    def crumbs(self) -> tuple[str, ...]:
        """Beside the tasks."""
        return ("pulse",)

    def locator(self) -> Locator:
        """There is one."""
        return Locator("pulse")

    def reload(self) -> None:
        """Read everything again."""
        self._loading.ask()

    def handlers(self) -> Handlers:
        """What the keys do."""
        return {"pulse.open": self._open, "pulse.back": self.app.pop_screen}

    def on_news(self, news: News) -> None:
        """Tasks change: look more often."""
        self._changed = True
        super().on_news(news)

    def on_tick(self) -> None:
        """Read again when it is time."""
        super().on_tick()
        self._age += 1
        if self.in_view and self._age >= (BUSY_SECONDS if self._changed else IDLE_SECONDS):
            self._age = 0
            self._loading.ask()

    def on_resize(self) -> None:
        """More or fewer lines fit."""
        self._show()

    def on_virtual_table_highlighted(self, event: VirtualTable.Highlighted) -> None:
        """Another line."""
        self.show_state()

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """Two clicks open."""
        self._open()

    def on_pulse_screen_arrived(self, event: Arrived) -> None:
        """Show it; what cannot be read stays as it was."""
        self._pulse, self._problem = event.pulse or self._pulse, event.problem
        self._unfit = [one.words for one in server_troubles(event.health)] if event.health else []
        if event.health is not None and self._pulse is not None:
            self._pulse = replace(self._pulse, health=event.health)
        self._show()

    def _show(self) -> None:
        if self._pulse is not None:
            now = self.services.clock.now()
            lag = self.services.link.recent_lag_ms(now)
            self._lines.rows = self._make(self._pulse, now, lag, tall=self.size.height >= TALL)
            self.table.border_subtitle = "the last hour, a minute a cell"
        self.table.rows_moved()
        self.show_state()

    def _open(self) -> None:
        row = self.table.cursor_row
        if row is not None and row.place is not None:
            self.services.go(row.place)

    async def _load(self) -> None:
        self._age, self._changed = 0, False
        try:
            found = await read_pulse(self.services.client, self.services.stack)
        except CALL_FAILURES as error:
            self.post_message(self.Arrived(None, explain(error), await self._health()))
        else:
            self.post_message(self.Arrived(found))

    async def _health(self) -> DetailedHealthResponse | None:
        try:
            health, _ = await read_health(self.services.client)
        except CALL_FAILURES:
            return None
        return health

    def _columns(self, width: int) -> Sequence[Column[PulseLine]]:
        return [Column("", SECTION, _section), Column("", 0, _line)]

    def _empty_lines(self) -> list[str]:
        if self._problem:
            problem = self._problem[:1].upper() + self._problem[1:]
            return [problem, *self._unfit, "", "It is tried again by itself."]
        return ["Loading…"]


def _section(row: PulseLine, width: int, palette: Palette) -> Runs:
    return [(row.section, palette.strong)]


def _line(row: PulseLine, width: int, palette: Palette) -> Runs:
    return row.draw(width, palette)
