"""The local stack of `tasker dev`: its processes, what they write, and what is wrong with what it loads."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from tasker_tui.actions import Focus, bindings
from tasker_tui.dev.door import NoStack, StackPort, Verb
from tasker_tui.dev.errors import StackError
from tasker_tui.dev.report import LogLines, Part, StackReport
from tasker_tui.locator import Locator
from tasker_tui.modals.reset import ResetDialog
from tasker_tui.screens.base import Handlers, OperatorScreen
from tasker_tui.services import Services
from tasker_tui.text import duration, plural
from tasker_tui.widgets.line_input import LineInput
from tasker_tui.widgets.log_view import LogView
from tasker_tui.widgets.painting import palette_for, show_titles
from tasker_tui.widgets.part_columns import checks_text, part_columns, problems_in
from tasker_tui.widgets.virtual_table import VirtualTable

POLL_SECONDS = 0.5
REPORT_EVERY = 2
"""Logs are read at every look, the processes at every second one: measuring them costs something."""


class Parts:
    """The processes as rows."""

    def __init__(self) -> None:
        self.rows: Sequence[Part] = ()

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.rows)

    def row_at(self, index: int) -> Part | None:
        """The process at an index."""
        return self.rows[index] if 0 <= index < len(self.rows) else None

    def index_of(self, key: str) -> int | None:
        """Where a process stands."""
        return next((i for i, row in enumerate(self.rows) if row.name == key), None)

    def key_of(self, row: Part) -> str:
        """What the cursor holds on to."""
        return row.name


class StackScreen(OperatorScreen):
    """Looks at the stack twice a second while it is shown."""

    SCOPES = ("stack",)
    BINDINGS = bindings("stack")
    DEFAULT_CSS = """
    StackScreen #stack-body { layout: grid; grid-size: 2 2; grid-columns: 1fr 1fr; grid-rows: 7 1fr; }
    StackScreen #stack-parts, StackScreen #stack-checks, StackScreen #stack-log {
        border: round $border-blurred; border-title-color: $foreground; border-title-style: bold;
        border-subtitle-color: $foreground 60%; padding: 0 1 0 0; height: 1fr;
    }
    StackScreen #stack-checks { scrollbar-size-vertical: 1; padding: 0 1; }
    StackScreen #stack-log { row-span: 2; padding: 0 1; }
    StackScreen #stack-parts:focus, StackScreen #stack-log:focus { border: round $border; }
    StackScreen #stack-search { dock: bottom; height: 1; margin-bottom: 1; background: $surface; }
    StackScreen.-narrow #stack-body { grid-size: 1 2; grid-columns: 1fr; grid-rows: 6 1fr; }
    StackScreen.-narrow #stack-log { row-span: 1; }
    StackScreen.-narrow #stack-checks, StackScreen.-narrow.-checks #stack-log { display: none; }
    StackScreen.-narrow.-checks #stack-checks { display: block; }
    StackScreen.-absent #stack-body { grid-size: 1 1; grid-columns: 1fr; grid-rows: 1fr; }
    StackScreen.-absent #stack-checks, StackScreen.-absent #stack-log { display: none; }
    """

    class Reported(Message):
        """How the stack is; None with the reason when there is none."""

        def __init__(self, report: StackReport | None, reason: str = "") -> None:
            super().__init__()
            self.report, self.reason = report, reason

    class Wrote(Message):
        """What a process wrote after `after` lines."""

        def __init__(self, part: str, after: int, found: LogLines) -> None:
            super().__init__()
            self.part, self.after, self.found = part, after, found

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._parts = Parts()
        self._report: StackReport | None = None
        self._reason = "Looking for a stack…"
        self._shown: str | None = None
        self._written = 0

    def compose_body(self) -> ComposeResult:
        """The processes, the log of the selected one, and what was checked."""
        with Vertical(id="stack-body"):
            yield VirtualTable[Part](self._parts, part_columns, self._empty_lines, id="stack-parts")
            yield LogView(id="stack-log")
            with VerticalScroll(id="stack-checks", can_focus=False) as checks:
                checks.border_title = "Checks"
                yield Static(id="stack-checks-text", markup=False)
        search = LineInput(id="stack-search", placeholder="search the log", compact=True)
        search.display = False
        yield search

    def on_mount(self) -> None:
        """Begin to look."""
        self.table.focus()
        self._look()

    @property
    def table(self) -> VirtualTable[Part]:
        """The processes' widget."""
        return self.query_one("#stack-parts", VirtualTable)

    @property
    def log_view(self) -> LogView:
        """The log's widget."""
        return self.query_one(LogView)

    def crumbs(self) -> tuple[str, ...]:
        """Below the list of tasks."""
        return ("tasks", "stack")

    def locator(self) -> Locator:
        """The stack."""
        return Locator("stack")

    def focus_state(self) -> Focus:
        """The process under the cursor."""
        busy = self._report.doing if self._report else ""
        return Focus(connected=self._report is not None, part=self.table.cursor_row, stack_busy=busy)

    def handlers(self) -> Handlers:
        """What the keys do."""
        return {
            "stack.start": lambda: self._order("start"),
            "stack.stop": lambda: self._order("stop"),
            "stack.restart": lambda: self._order("restart"),
            "stack.reset": self._ask_reset,
            "stack.search": self._open_search,
            "stack.next": lambda: self.log_view.next_match(1),
            "stack.before": lambda: self.log_view.next_match(-1),
            "stack.follow": self.log_view.toggle_follow,
            "stack.wrap": self.log_view.toggle_wrap,
            "stack.log": lambda: self.remove_class("-checks"),
            "stack.checks": lambda: self.add_class("-checks"),
            "stack.back": self._back,
        }

    def on_stack_screen_reported(self, event: Reported) -> None:
        """Show the processes and the checks, or that there is no stack."""
        self._report, self._reason = event.report, event.reason
        self.set_class(event.report is None, "-absent")
        self._parts.rows = event.report.parts if event.report else ()
        self.table.rows_moved()
        if self._shown is None:
            self.table.move_to(self._parts.total - 1)  # the worker: what one edits is there
        self._title()
        if event.report is not None:
            text = checks_text(event.report, palette_for(self), self.services.clock.now())
            self.query_one("#stack-checks-text", Static).update(text)
        self._label_log()
        self.show_state()

    def on_stack_screen_wrote(self, event: Wrote) -> None:
        """Add to the log what it does not have yet."""
        if event.part != self._shown or event.after != self._written:
            return
        self._written = event.found.written
        if event.found.lines:
            self.log_view.add(event.found.lines)

    def on_virtual_table_highlighted(self, event: VirtualTable.Highlighted) -> None:
        """The log of another process."""
        if event.key is not None and event.key != self._shown:
            self._shown, self._written = event.key, 0
            self.log_view.show(())
            self._read_once()
        self._label_log()
        self.show_state()

    def on_log_view_moved(self, event: LogView.Moved) -> None:
        """Say whether it follows, and what is sought."""
        self._label_log()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search, and give the keys back."""
        event.input.display = False
        self.log_view.focus()
        self.log_view.seek(event.value.strip())

    def _open_search(self) -> None:
        field = self.query_one("#stack-search", Input)
        field.display = True
        field.focus()

    def _back(self) -> None:
        field = self.query_one("#stack-search", Input)
        if field.display:
            field.display = False
            self.log_view.focus()
        else:
            self.app.pop_screen()

    def _title(self) -> None:
        report, title = self._report, "Stack"
        if report is not None:
            up = (self.services.clock.now() - report.started_at).total_seconds()
            title = f"Stack  up {duration(up)}" + (f"  {report.doing}…" if report.doing else "")
        show_titles(self.table, Content(title), Content(problems_in(report) if report else ""))

    def _label_log(self) -> None:
        view, part = self.log_view, self.table.cursor_row
        title = f"{self._shown or ''}  log" + ("" if view.follows else "  (F follows)")
        told = part.detail if part else ""
        if view.sought:
            told = f"{plural(view.matches, 'line')} with {view.sought!r}"
        show_titles(view, Content(title), Content(told))

    def _ask_reset(self) -> None:
        report = self._report
        assert report is not None  # the action is disabled without

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                self._send(
                    lambda stack: stack.reset(),
                    "tasker dev reset",
                    "the database is thrown away and made anew",
                )

        self.app.push_screen(ResetDialog(report), answered)

    def _order(self, verb: Verb) -> None:
        part = self.table.cursor_row
        assert part is not None  # the actions are disabled without
        told = {"start": "starts", "stop": "finishes what it runs and stops", "restart": "restarts"}[verb]
        command = f"tasker dev {verb} {part.name}"
        self._send(lambda stack: stack.order(verb, part.name), command, f"the {part.name} {told}")

    @work(group="stack-orders")
    async def _send(
        self, call: Callable[[StackPort], Coroutine[Any, Any, None]], command: str, told: str
    ) -> None:
        assert self.services.stack is not None
        try:
            await self.services.commands.run(command, call(self.services.stack))
        except StackError as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.notify(told, markup=False)
        await self._report_once()

    @work(group="stack-log")
    async def _read_once(self) -> None:
        await self._read_log()

    @work(group="feed")
    async def _look(self) -> None:
        """Look again and again, while nobody covers the screen."""
        looks = 0
        while True:
            if self.in_view:
                if looks % REPORT_EVERY == 0:
                    await self._report_once()
                await self._read_log()
                looks += 1
            await self.services.clock.sleep(POLL_SECONDS)

    async def _report_once(self) -> None:
        stack = self.services.stack
        if stack is None:
            self.post_message(self.Reported(None, "this dashboard looks at no stack of tasker dev"))
            return
        try:
            self.post_message(self.Reported(await stack.report()))
        except NoStack as error:
            self.post_message(self.Reported(None, str(error)))
        except StackError:
            return  # it is there and busy: what is shown stays

    async def _read_log(self) -> None:
        part, after, stack = self._shown, self._written, self.services.stack
        if part is None or stack is None:
            return
        with contextlib.suppress(StackError):
            self.post_message(self.Wrote(part, after, await stack.log(part, after)))

    def _empty_lines(self) -> list[str]:
        return [
            self._reason[:1].upper() + self._reason[1:] + ".",
            "",
            "Such a stack brings PostgreSQL, an engine and a worker for the workflows",
            "that you develop, and reloads them when you save. In another terminal:",
            "",
            "tasker dev --headless --templates FOLDER --handlers FOLDER",
            "",
            "It is shown here as soon as it runs.",
        ]
