"""The live tail: what happens to every task and step, as it happens."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message

from tasker_tui.actions import Focus, bindings
from tasker_tui.event_filter import parse_event_filter
from tasker_tui.event_tail import EventTail, Gap, Happening
from tasker_tui.feed import Batch, Feed, Live, News, Reload
from tasker_tui.keymap import with_keys
from tasker_tui.locator import Locator, to_task
from tasker_tui.screens.base import Handlers, OperatorScreen
from tasker_tui.services import Services
from tasker_tui.text import count
from tasker_tui.widgets.event_columns import EventColumns
from tasker_tui.widgets.line_prompt import LinePrompt
from tasker_tui.widgets.painting import show_titles
from tasker_tui.widgets.virtual_table import VirtualTable


class EventsScreen(OperatorScreen):
    """Follows the transitions of all tasks while it is open."""

    SCOPES = ("events",)
    BINDINGS = bindings("events")
    DEFAULT_CSS = """
    #tail { border: round $border; border-title-style: bold; border-subtitle-color: $foreground 60%;
            padding: 0 1 0 0; height: 1fr; }
    """

    class Heard(Message):
        """The tail's own feed has learned something."""

        def __init__(self, news: News) -> None:
            super().__init__()
            self.news = news

    def __init__(self, services: Services, query: str) -> None:
        super().__init__(services)
        self._tail = EventTail()
        self._tail.narrow(parse_event_filter(query))
        self._connected = False

    def compose_body(self) -> ComposeResult:
        """The tail, and the hidden prompt."""
        columns = EventColumns(self._tail, self.services.ascii_only)
        yield VirtualTable[Happening](self._tail, columns, self._empty_lines, id="tail")
        yield LinePrompt(parse_event_filter, "state:error template:orders step:charge !text")

    def on_mount(self) -> None:
        """Listen to everything."""
        self.table.focus()
        services = self.services
        feed = Feed(
            services.client, services.clock, lambda news: self.post_message(self.Heard(news)), "transitions"
        )
        self.run_worker(feed.run(), group="feed")

    @property
    def table(self) -> VirtualTable[Happening]:
        """The tail's widget."""
        return self.query_one("#tail", VirtualTable)

    def focus_state(self) -> Focus:
        """Where the event under the cursor leads."""
        row = self.table.cursor_row
        place = None if row is None or isinstance(row, Gap) else to_task(str(row.task_uuid), row.step_name)
        return Focus(connected=self.services.link.live, place=place, filtered=bool(self._tail.filter.text))

    def crumbs(self) -> tuple[str, ...]:
        """Beside the tasks."""
        return ("events",)

    def locator(self) -> Locator:
        """The filtered tail."""
        return Locator("events", query=self._tail.filter.text)

    def go_to(self, where: Locator) -> None:
        """Narrow the tail."""
        self._narrow(where.query)

    def handlers(self) -> Handlers:
        """What the keys do."""
        return {
            "events.open": self._open,
            "events.filter": lambda: self.query_one(LinePrompt).open(self._tail.filter.text),
            "events.pause": self._pause_or_follow,
            "events.back": self._back,
        }

    def on_news(self, news: News) -> None:
        """The summaries tell of which template a task is."""
        if isinstance(news, Batch):
            if self._tail.learn(news.rows):
                self.table.rows_moved()
            else:
                self.table.refresh()
        super().on_news(news)

    def on_events_screen_heard(self, event: Heard) -> None:
        """Take events over; say where some are missing."""
        now = self.services.clock.now()
        match event.news:
            case Batch(changes=changes):
                self._tail.add(changes, now)
            case Reload(reason=reason):
                self._tail.add_gap(reason, now)
            case Live(resumed=False):
                self._connected = True
        self.table.rows_moved()
        self.show_state()

    def on_tick(self) -> None:
        """The rate goes down when nothing happens."""
        super().on_tick()
        self._tell()

    def on_virtual_table_highlighted(self, event: VirtualTable.Highlighted) -> None:
        """Another event."""
        self.show_state()

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """Two clicks open."""
        self._open()

    def on_line_prompt_changed(self, event: LinePrompt.Changed) -> None:
        """Narrow the tail while the filter is typed."""
        self._narrow(event.text)
        if event.settled:
            self.table.focus()

    def show_state(self) -> None:
        """Titles as well."""
        super().show_state()
        self._tell()

    def _tell(self) -> None:
        tail, table = self._tail, self.table
        title = f"Events  {tail.filter.text}" if tail.filter.text else "Events"
        held = f"  ‖ paused, {count(tail.waiting)} new" if tail.paused else ""
        rate = round(tail.rate(self.services.clock.now()))
        gone = f"   {count(tail.let_go)} older let go" if tail.let_go else ""
        figures = f"{count(rate)} a second   {count(tail.seen)} seen{gone}"
        show_titles(table, Content(f"{title}{held}"), Content(figures))

    def _narrow(self, text: str) -> None:
        if text != self._tail.filter.text:
            self._tail.narrow(parse_event_filter(text))
            self.table.start_anew()
            self.table.rows_moved()
            self.show_state()

    def _pause_or_follow(self) -> None:
        if self._tail.paused:
            self._tail.follow()
            self.table.start_anew()
        else:
            self._tail.paused = True
        self.table.rows_moved()
        self.show_state()

    def _open(self) -> None:
        place = self.focus_state().place
        if place is not None:
            self.services.go(place)

    def _back(self) -> None:
        """First out of the filter, then out of the screen."""
        if self._tail.filter.text:
            self._narrow("")
        else:
            self.app.pop_screen()

    def _empty_lines(self) -> list[str]:
        if not self._connected:
            return ["Connecting…"]
        if self._tail.filter.text:
            return [
                "Nothing that fits this filter has happened.",
                "",
                with_keys(self.app, "{events.filter} changes it, {events.back} takes it away."),
            ]
        return [
            "Nothing has happened since this was opened.",
            "",
            "Every change of a task or step appears here at once.",
            with_keys(self.app, "{tasks.start} in the list of tasks starts one."),
        ]
