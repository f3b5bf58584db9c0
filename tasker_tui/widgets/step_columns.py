"""The columns of a task's list of steps, with a bar that shows when each ran."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from engine.model.states import StepState
from tasker_tui.clock import Clock
from tasker_tui.task_view import TaskView
from tasker_tui.text import duration, printable
from tasker_tui.themes import Palette
from tasker_tui.view_models import StepRow
from tasker_tui.widgets.virtual_table import Column, Runs

WIDE = 90


class StepSource:
    """The steps of a task view as rows, in the order of the graph."""

    def __init__(self, view: Callable[[], TaskView]) -> None:
        self._view = view
        self._order: list[str] = []

    def refresh(self) -> None:
        """Take the order over from the view, after its steps were loaded."""
        self._order = [step.uuid for step in self._view().ordered()]

    @property
    def total(self) -> int:
        """How many steps there are."""
        return len(self._order)

    def row_at(self, index: int) -> StepRow | None:
        """The step at an index."""
        return self._view().steps.get(self._order[index]) if 0 <= index < len(self._order) else None

    def index_of(self, key: str) -> int | None:
        """Where a step stands."""
        return self._order.index(key) if key in self._order else None

    def key_of(self, row: StepRow) -> str:
        """What the cursor holds on to."""
        return row.uuid


class StepColumns:
    """Makes the columns; durations are as of `clock`, the bars span the life of the task."""

    def __init__(self, clock: Clock, view: Callable[[], TaskView], ascii_only: bool) -> None:
        self._clock, self._view, self._ascii = clock, view, ascii_only

    def __call__(self, width: int) -> Sequence[Column[StepRow]]:
        """The columns for a list of this width in cells."""
        state = Column("STATE", 14, self._state)
        tries, took = Column("TRIES", 5, _tries, "right"), Column("TOOK", 6, self._took, "right")
        if width < WIDE:
            return [state, Column("STEP", 0, _name), tries, took]
        return [state, Column("STEP", 30, _name), tries, took, Column("WHEN", 0, self._when)]

    def _state(self, row: StepRow, width: int, palette: Palette) -> Runs:
        failed = row.state is StepState.ERROR
        return [(f"{row.mark.glyph(self._ascii)} {row.mark.word}", palette.tone(row.mark.tone, bold=failed))]

    def _took(self, row: StepRow, width: int, palette: Palette) -> Runs:
        span = self._span(row)
        return [(duration((span[1] - span[0]).total_seconds()) if span else "", palette.muted)]

    def _when(self, row: StepRow, width: int, palette: Palette) -> Runs:
        task, span = self._view().task, self._span(row)
        if task is None or span is None:
            return [("", palette.muted)]
        whole = max(0.001, ((task.completed_at or self._clock.now()) - task.created_at).total_seconds())
        begin = int((span[0] - task.created_at).total_seconds() / whole * width)
        begin = max(0, min(begin, width - 1))
        length = max(1, min(width - begin, round((span[1] - span[0]).total_seconds() / whole * width)))
        line = "╍" if row.completed_at is None else "━"
        return [
            ("─" * begin, palette.faint),
            (line * length, palette.tone(row.mark.tone)),
            ("─" * (width - begin - length), palette.faint),
        ]

    def _span(self, row: StepRow) -> tuple[datetime, datetime] | None:
        """From the start of the last attempt to its end, or until now while it runs."""
        if row.last_attempted_at is None:
            return None
        running = row.state is StepState.IN_PROGRESS
        end = self._clock.now() if running else row.completed_at or row.updated_at
        return row.last_attempted_at, max(end, row.last_attempted_at)


def _name(row: StepRow, width: int, palette: Palette) -> Runs:
    return [(printable(row.name), palette.text)]


def _tries(row: StepRow, width: int, palette: Palette) -> Runs:
    return [(f"{row.attempts}/{row.max_attempts}" if row.attempts else "", palette.muted)]
