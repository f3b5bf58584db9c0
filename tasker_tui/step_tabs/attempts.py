"""The attempts of a step, each with its time, worker and error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from engine.model.states import StepState
from engine.model.wire.tasks import StepAuditResponse
from tasker_tui.services import Services
from tasker_tui.states import Tone
from tasker_tui.step_report import StepFacts, error_text
from tasker_tui.step_tabs.base import PAGE_WIDTH, StepTab
from tasker_tui.text import duration, printable, short_id
from tasker_tui.themes import Palette
from tasker_tui.view_models import StepError, step_error
from tasker_tui.widgets.painting import palette_for
from tasker_tui.widgets.virtual_table import Column, Runs, VirtualTable

WIDE = 90


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt; `ended` is None while it runs, `seconds` None if the worker did not say."""

    number: int
    began: datetime
    ended: datetime | None
    seconds: float | None
    worker: str | None
    success: bool
    error: StepError | None


def attempts_of(facts: StepFacts) -> list[Attempt]:
    """The attempts, the newest first, with the one that runs now."""
    step, audit = facts.step, facts.audit or ()
    found = [_finished(len(audit) - i, entry) for i, entry in enumerate(audit)]
    if step.state is StepState.IN_PROGRESS:
        began = step.last_attempted_at or step.updated_at
        seconds = (facts.now - began).total_seconds()
        found.insert(0, Attempt(len(audit) + 1, began, None, seconds, step.worker, False, None))
    return found


class AttemptsTab(StepTab):
    """Lists the attempts, and tells the one under the cursor below."""

    NAME = "attempts"
    DEFAULT_CSS = """
    AttemptsTab VirtualTable { height: auto; max-height: 50%; min-height: 4; }
    AttemptsTab VerticalScroll { height: 1fr; margin-top: 1; padding: 0 2; }
    """

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.rows: list[Attempt] = []

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.rows)

    def row_at(self, index: int) -> Attempt | None:
        """The attempt at an index."""
        return self.rows[index] if 0 <= index < len(self.rows) else None

    def index_of(self, key: str) -> int | None:
        """Where an attempt stands."""
        return next((i for i, row in enumerate(self.rows) if self.key_of(row) == key), None)

    def key_of(self, row: Attempt) -> str:
        """What the cursor holds on to."""
        return str(row.number)

    def compose(self) -> ComposeResult:
        """The list, and below it the attempt under the cursor."""
        yield VirtualTable[Attempt](self, self._columns, self._empty)
        with VerticalScroll(can_focus=False):
            yield Static(markup=False)

    def enter(self) -> None:
        """The keys go to the list."""
        self.query_one(VirtualTable).focus()

    def show(self, facts: StepFacts) -> None:
        """Take the attempts over."""
        super().show(facts)
        self.rows = attempts_of(facts)
        self.query_one(VirtualTable).rows_moved()
        self._tell()

    def whole(self) -> str:
        """Every attempt, the newest first."""
        palette = palette_for(self)
        return "\n".join(
            f"attempt   {row.number}\n{_told(row, palette, PAGE_WIDTH).plain}" for row in self.rows
        )

    def on_virtual_table_highlighted(self, event: VirtualTable.Highlighted) -> None:
        """Another attempt."""
        event.stop()
        self._tell()

    def on_resize(self) -> None:
        """Lines are cut to the width."""
        self._tell()

    def _tell(self) -> None:
        attempt = self.query_one(VirtualTable).cursor_row
        width = self.query_one(VerticalScroll).scrollable_content_region.width
        if isinstance(attempt, Attempt) and width:
            self.query_one(Static).update(_told(attempt, palette_for(self), max(20, width)))

    def _empty(self) -> list[str]:
        if self.facts is not None and self.facts.audit is None and self.facts.step.attempts:
            return ["Loading…"]
        return ["No attempt has ended yet.", "", "6 says what the step waits for."]

    def _columns(self, width: int) -> Sequence[Column[Attempt]]:
        ascii_only = self.services.ascii_only

        def outcome(row: Attempt, width: int, palette: Palette) -> Runs:
            tone: Tone = "running" if row.ended is None else "ok" if row.success else "failed"
            glyph, word = {"ok": ("✓", "done"), "failed": ("✗", "failed")}.get(tone, ("●", "runs"))
            return [(word if ascii_only else f"{glyph} {word}", palette.tone(tone))]

        number: Column[Attempt] = Column("#", 4, lambda row, _, p: [(str(row.number), p.text)], "right")
        began: Column[Attempt] = Column("START", 19, lambda row, _, p: [(_date(row.began), p.text)])
        took: Column[Attempt] = Column("TOOK", 6, lambda row, _, p: [(_took(row), p.text)], "right")
        worker: Column[Attempt] = Column("WORKER", 8, lambda row, _, p: [(_worker(row), p.muted)])
        error: Column[Attempt] = Column("ERROR", 0, _error)
        first = [number, Column("OUTCOME", 9, outcome)]
        return [*first, began, took, worker, error] if width >= WIDE else [*first, took, error]


def _finished(number: int, entry: StepAuditResponse) -> Attempt:
    seconds = None if entry.execution_time_ms is None else entry.execution_time_ms / 1000
    stored = entry.result if isinstance(entry.result, dict) else {}
    return Attempt(
        number=number,
        began=entry.recorded_at - timedelta(seconds=seconds or 0),
        ended=entry.recorded_at,
        seconds=seconds,
        worker=str(entry.worker_uuid) if entry.worker_uuid else None,
        success=entry.success,
        error=None if entry.success else step_error(stored.get("error")),
    )


def _told(attempt: Attempt, palette: Palette, width: int) -> Text:
    text = Text()
    ended = _date(attempt.ended) if attempt.ended else "it runs"
    for name, value in (
        ("began", _date(attempt.began)),
        ("ended", ended),
        ("took", _took(attempt)),
        ("worker", attempt.worker or "-"),
    ):
        text.append(f"{name:<10}", palette.muted)
        text.append(f"{value}\n", palette.text)
    if attempt.error is not None:
        text.append("\n")
        text.append_text(error_text(attempt.error, palette, width, limit=None))
    return text


def _date(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _took(row: Attempt) -> str:
    return "" if row.seconds is None else duration(row.seconds)


def _worker(row: Attempt) -> str:
    return short_id(row.worker) if row.worker else "-"


def _error(row: Attempt, width: int, palette: Palette) -> Runs:
    if row.error is None:
        return [("", palette.text)]
    kind = f"{row.error.error_type}: " if row.error.error_type else ""
    return [(printable((kind + row.error.message).partition("\n")[0]), palette.tone("failed"))]
