"""What a step's handler logged and printed, as it comes."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Input

from engine.client.calls import step_logs
from engine.model.states import StepState
from engine.model.wire.details import LogRecord
from tasker_tui.loading import Loading
from tasker_tui.log_lines import MOST_LINES, LogLines, LogRow
from tasker_tui.services import Services
from tasker_tui.step_report import StepFacts
from tasker_tui.step_tabs.base import StepTab
from tasker_tui.text import clock_time, plural, printable
from tasker_tui.themes import Palette
from tasker_tui.trouble import CALL_FAILURES, explain
from tasker_tui.widgets.line_input import LineInput
from tasker_tui.widgets.virtual_table import Column, Runs, VirtualTable

PAGE = 1_000
MOVING = (StepState.ENQUEUED, StepState.IN_PROGRESS)
BESIDE = 17
"""Cells beside a line of the log: attempt, time, and the marker."""


class LogsTab(StepTab):
    """Follows the log while the cursor is at its end. `search` finds a text, `wrap` shows whole lines."""

    NAME = "logs"
    DEFAULT_CSS = """
    LogsTab VirtualTable { height: 1fr; }
    LogsTab Input { display: none; height: 1; }
    LogsTab Input.-open { display: block; }
    """

    class Arrived(Message):
        """A part of the log was loaded, or why it could not be."""

        def __init__(self, lines: Sequence[LogRecord], more: bool, problem: str = "") -> None:
            super().__init__()
            self.lines, self.more, self.problem = lines, more, problem

    def __init__(self, services: Services, task_uuid: str) -> None:
        super().__init__(services)
        self._task_uuid = task_uuid
        self._log = LogLines()
        self._table = VirtualTable[LogRow](self._log, self._columns, self._empty)
        self._loading = Loading(self, self._load, "logs")
        self._state: tuple[StepState, int] | None = None
        self._loaded = False
        self._wrapped = False
        self._problem = ""

    def compose(self) -> ComposeResult:
        """The lines, and the hidden line to search with."""
        yield self._table
        yield LineInput(placeholder="find; enter goes to the next one, esc leaves", compact=True)

    def enter(self) -> None:
        """The keys go to the lines."""
        self._table.focus()

    def show(self, facts: StepFacts) -> None:
        """Something may have been logged since the step was in another state."""
        super().show(facts)
        state = (facts.step.state, facts.step.attempts)
        if state != self._state:
            self._state = state
            self._loading.ask()

    def whole(self) -> str:
        """The lines, with the attempt and the time of each."""
        return "\n".join(
            f"#{line.attempt} {line.at.astimezone():%Y-%m-%d %H:%M:%S.%f} {line.level:<8} {line.message}"
            for line in self._log.records
        )

    def second_passed(self) -> None:
        """A handler that runs may log at any time."""
        if self.facts is not None and (self.facts.step.state in MOVING or self._problem):
            self._loading.ask()

    def on_logs_tab_arrived(self, event: Arrived) -> None:
        """Put the lines below; stay at the end if the cursor was there."""
        self._loaded, self._problem = True, event.problem
        at_end = self.following
        if self._log.add(event.lines):
            self._table.rows_moved()
            if at_end:
                self._table.action_do("list.last")
        if event.more and len(self._log.records) < MOST_LINES:
            self._loading.ask()
        self._table.refresh()
        self.post_message(self.NoteChanged())

    def on_virtual_table_highlighted(self, event: VirtualTable.Highlighted) -> None:
        """At the end the log is followed."""
        event.stop()
        self.post_message(self.NoteChanged())

    def on_resize(self) -> None:
        """Lines are wrapped to the width."""
        if self._wrapped:
            self._wrap_lines()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Find while it is typed."""
        event.stop()
        self._log.search(event.value)
        self.find(0)
        self.post_message(self.NoteChanged())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on in the lines."""
        event.stop()
        self.close_search()

    @property
    def searching(self) -> bool:
        """Whether a text is being typed."""
        return self.query_one(Input).has_class("-open")

    @property
    def following(self) -> bool:
        """Whether the cursor is at the end, so that new lines come into view."""
        row = self._table.cursor_row
        return row is None or self._log.index_of(self._log.key_of(row)) == self._log.total - 1

    def search(self) -> None:
        """Type what to look for."""
        line = self.query_one(Input)
        line.add_class("-open")
        line.focus()

    def close_search(self) -> None:
        """Leave the line."""
        self.query_one(Input).remove_class("-open")
        self._table.focus()

    def find(self, step: int) -> None:
        """Go to the next place (1), the one before (-1), or the first from here (0)."""
        found, row = self._log.found(), self._table.cursor_row
        if not found:
            self._table.refresh()
            return
        here = self._log.index_of(self._log.key_of(row)) or 0 if row is not None else 0
        if step < 0:
            target = max((i for i in found if i < here), default=found[-1])
        else:
            target = min((i for i in found if i >= here + step), default=found[0])
        self._table.move_to(target)
        self._table.refresh()

    def toggle_wrap(self) -> None:
        """Whole lines, or one row each."""
        self._wrapped = not self._wrapped
        self._wrap_lines()

    @property
    def note(self) -> str:
        """How much there is, what was found, and whether it is followed."""
        found = ""
        if self._log.pattern:
            found = f"{plural(len(self._log.found()), 'row')} with {printable(self._log.pattern)}   "
        follow = "follows" if self.following else "G follows"
        return f"{found}{plural(len(self._log.records), 'line')}   {follow}" if self._log.records else found

    def _wrap_lines(self) -> None:
        width = self._table.scrollable_content_region.width - BESIDE
        self._log.wrap(width if self._wrapped else None)
        self._table.rows_moved()

    async def _load(self) -> None:
        if self.facts is None:
            return
        uuid = self.facts.step.uuid
        call = step_logs(self._task_uuid, uuid, attempt=None, after=self._log.last_id, limit=PAGE)
        try:
            page = await self.services.client.send(call)
        except CALL_FAILURES as error:
            self.post_message(self.Arrived((), False, explain(error)))
        else:
            self.post_message(self.Arrived(page.lines, page.next_after is not None))

    def _empty(self) -> list[str]:
        if self._problem:
            return [self._problem[:1].upper() + self._problem[1:], "", "It is tried again by itself."]
        return ["The handler has logged nothing."] if self._loaded else ["Loading…"]

    def _columns(self, width: int) -> Sequence[Column[LogRow]]:
        return [Column("#", 2, _attempt, "right"), Column("TIME", 8, _time), Column("", 0, self._text)]

    def _text(self, row: LogRow, width: int, palette: Palette) -> Runs:
        style = palette.tone("failed") if row.loud else palette.text
        found = self._log.place_in(row)
        if found is None:
            return [(row.text, style)]
        marked = palette.accent + palette.strong
        return [
            (row.text[: found[0]], style),
            (row.text[found[0] : found[1]], marked),
            (row.text[found[1] :], style),
        ]


def _attempt(row: LogRow, width: int, palette: Palette) -> Runs:
    return [("" if row.piece else str(row.record.attempt), palette.muted)]


def _time(row: LogRow, width: int, palette: Palette) -> Runs:
    return [("" if row.piece else clock_time(row.record.at), palette.faint)]
