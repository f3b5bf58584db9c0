"""The columns of the task list, by how wide it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.style import Style

from engine.model.states import StepState
from engine.model.wire.details import StepWhy
from tasker_tui.clock import Clock
from tasker_tui.reasons import brief
from tasker_tui.states import STEP_MARKS
from tasker_tui.text import age, count, duration, fit, printable, short_id
from tasker_tui.themes import Palette
from tasker_tui.view_models import TaskRow
from tasker_tui.widgets.painting import progress
from tasker_tui.widgets.virtual_table import Column, Runs

NARROW = 64
COUNT_WIDTH = 8
TOLD = ((90, 20, 0), (110, 24, 10), (140, 28, 22))
"""From which width on why is told, how wide the names of templates are then, and the bars."""
WHY = "WHY"


class TaskColumns:
    """Makes the columns; ages and durations are as of `clock`, `why` has the reasons that are known."""

    def __init__(self, clock: Clock, ascii_only: bool, why: Callable[[TaskRow], StepWhy | None]) -> None:
        self._clock, self._ascii, self._reason = clock, ascii_only, why

    def __call__(self, width: int) -> Sequence[Column[TaskRow]]:
        """The columns for a list of this width in cells."""
        state, when = Column("STATE", 12, self._state), Column("AGE", 4, self._age, "right")
        took = Column("TOOK", 6, self._took, "right")
        if width < NARROW:
            return [state, Column("TEMPLATE", 0, _template), Column("STEPS", COUNT_WIDTH, _steps), when]
        fits = [one for one in TOLD if one[0] <= width]
        if not fits:
            names = [Column("TEMPLATE", 0, _template), Column("ID", 8, _id)]
            return [state, *names, Column("STEPS", COUNT_WIDTH + 10, _steps), when, took]
        _, template, bar = fits[-1]
        names = [Column("TEMPLATE", template, _template), Column("ID", 8, _id)]
        if fits == list(TOLD):
            names.insert(1, Column("NAMESPACE", 12, _namespace))
        steps = Column("STEPS", COUNT_WIDTH + bar, _steps)
        return [state, *names, steps, when, took, Column(WHY, 0, self._why)]

    def _state(self, row: TaskRow, width: int, palette: Palette) -> Runs:
        mark = row.mark
        return [(f"{mark.glyph(self._ascii)} {mark.word}", palette.tone(mark.tone, bold=row.failing))]

    def _age(self, row: TaskRow, width: int, palette: Palette) -> Runs:
        return [(age(row.created_at, self._clock.now()), palette.muted)]

    def _took(self, row: TaskRow, width: int, palette: Palette) -> Runs:
        style = palette.muted if row.finished else palette.text
        return [(duration(row.seconds(self._clock.now())), style)]

    def _why(self, row: TaskRow, width: int, palette: Palette) -> Runs:
        reason = self._reason(row)
        if reason is None:
            return [("", palette.muted)]
        mark = STEP_MARKS[StepState(reason.state)]
        told = printable(brief(reason, self._clock.now()))
        return [(f"{mark.glyph(self._ascii)} {told}", palette.tone(mark.tone))]


def _template(row: TaskRow, width: int, palette: Palette) -> Runs:
    return [(printable(row.name), palette.text)]


def _namespace(row: TaskRow, width: int, palette: Palette) -> Runs:
    return [(printable(row.namespace), palette.muted)]


def _id(row: TaskRow, width: int, palette: Palette) -> Runs:
    return [(short_id(row.uuid), palette.muted)]


def _steps(row: TaskRow, width: int, palette: Palette) -> Runs:
    numbers = fit(f"{count(row.completed)}/{count(row.total)}".rjust(COUNT_WIDTH), COUNT_WIDTH)
    runs: list[tuple[str, Style]] = []
    if width > COUNT_WIDTH:
        runs = [*progress(row.completed, row.running, row.failed, row.total, width - COUNT_WIDTH, palette)]
    return [*runs, (numbers, palette.muted)]
