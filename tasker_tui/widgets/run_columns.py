"""The columns of the grid of runs, and a run's steps by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from engine.model.wire.comparison import GridCell, GridColumn
from tasker_tui.clock import Clock
from tasker_tui.run_grid import GridCursor, Run, View, view_of
from tasker_tui.states import STEP_MARKS, TASK_MARKS
from tasker_tui.text import age, duration, fit, plural, printable, short_id
from tasker_tui.themes import Palette
from tasker_tui.widgets.virtual_table import Column, Runs

NARROW = 72
TOLD_STEPS = 40
"""More than the pane has lines for: what is out of sight would only make every key slower."""


class RunColumns:
    """Makes the columns. `here` gives the run under the cursor, whose step `cursor` tells."""

    def __init__(
        self, clock: Clock, ascii_only: bool, cursor: GridCursor, here: Callable[[], Run | None]
    ) -> None:
        self._clock, self._ascii, self._cursor, self._here = clock, ascii_only, cursor, here

    def __call__(self, width: int) -> Sequence[Column[Run]]:
        """The columns for a list of this width in cells."""
        state = Column("STATE", 12, self._state, rank=lambda row: TASK_MARKS[row.run.state].word)
        when = Column("AGE", 4, self._age, "right", rank=lambda row: -row.run.created_at.timestamp())
        steps = Column("STEPS", 0, self._steps, header=self._names)
        if width < NARROW:
            return [state, when, steps]
        took = Column("TOOK", 7, _took, "right", rank=lambda row: row.run.duration_ms)
        return [state, Column("ID", 8, _id), when, took, steps]

    def told(self, row: Run, palette: Palette, most: int = TOLD_STEPS) -> Text:
        """The steps of a run by name: that under the cursor, those that failed, the others."""
        text, here = Text(), self._cursor.column(row)
        order = list(dict.fromkeys([here, *row.failed, *range(len(row.columns))])) if row.columns else []
        for at in order[:most]:
            text.append("▌" if at == here else " ", palette.accent)
            text.append_text(self._told_cell(row.columns[at], row.cell(at), palette))
        if len(order) > most:
            text.append(f"  and {plural(len(order) - most, 'more step', 'more steps')}\n", palette.muted)
        return text

    def _told_cell(self, column: GridColumn, cell: GridCell | None, palette: Palette) -> Text:
        if cell is None:
            return Text(f"  {printable(column.step)}  not part of this run\n", palette.faint)
        mark = STEP_MARKS[cell.state]
        glyph = (f"{mark.glyph(self._ascii)} ", palette.tone(mark.tone, bold=True))
        text = Text.assemble(glyph, printable(column.step))
        several = f"  {plural(cell.steps, 'step')}" if cell.steps > 1 else ""
        took = f"  {duration(cell.duration_ms / 1000)}" if cell.duration_ms is not None else ""
        tries = f"  {plural(cell.attempts, 'attempt')}" if cell.attempts > 1 else ""
        text.append(f"  {mark.word}{several}{took}{tries}\n", palette.muted)
        return text

    def _state(self, row: Run, width: int, palette: Palette) -> Runs:
        mark = TASK_MARKS[row.run.state]
        return [(f"{mark.glyph(self._ascii)} {mark.word}", palette.tone(mark.tone))]

    def _age(self, row: Run, width: int, palette: Palette) -> Runs:
        return [(age(row.run.created_at, self._clock.now()), palette.muted)]

    def _names(self, width: int, palette: Palette) -> Runs:
        """The names of the steps; where there is no room, the step under the cursor and its state."""
        here = self._here()
        if here is None or not here.columns:
            return [(fit("STEPS", width), palette.muted)]
        at = self._cursor.column(here)
        view = view_of(here.columns, at, width)
        if not view.named:
            x = (at - view.first) * view.pitch + view.scrolls
            return [(_pointed(self._in_short(here, at), x, width), palette.strong)]
        names = [
            (fit(printable(column.step), view.pitch - 1) + " ", palette.strong if i == at else palette.muted)
            for i, column in enumerate(here.columns)
        ]
        return [*names, (" " * (width - view.pitch * len(names)), palette.muted)]

    def _in_short(self, run: Run, at: int) -> str:
        name, cell = printable(run.columns[at].step), run.cell(at)
        mark = STEP_MARKS[cell.state] if cell else None
        return f"{mark.glyph(self._ascii)} {name} {mark.word}" if mark else f"{name} is not part of this run"

    def _steps(self, row: Run, width: int, palette: Palette) -> Runs:
        here = self._here()
        at = self._cursor.column(here)
        view = view_of(row.columns, at, width)
        runs: list[tuple[str, Style]] = []
        for i in range(view.first, view.end):
            text, style = self._cell(row.cell(i), view, palette)
            if i == at:
                runs.append((text, style + _ground(palette, row is here)))
            elif runs and runs[-1][1] is style:  # one run for all that look alike
                runs[-1] = (runs[-1][0] + text, style)
            else:
                runs.append((text, style))
        if view.scrolls:
            before, after = any(i < view.first for i in row.failed), any(i >= view.end for i in row.failed)
            runs.insert(0, _sign("‹", view.first > 0, before, palette))
            runs.append(_sign("›", view.end < view.total, after, palette))
        return [*runs, (" " * (width - sum(len(text) for text, _ in runs)), palette.faint)]

    def _cell(self, cell: GridCell | None, view: View, palette: Palette) -> tuple[str, Style]:
        if cell is None:
            return "·".ljust(view.pitch), palette.faint
        mark = STEP_MARKS[cell.state]
        took = duration(cell.duration_ms / 1000) if view.named and cell.duration_ms is not None else ""
        return f"{mark.glyph(self._ascii)} {took}"[: view.pitch].ljust(view.pitch), palette.tone(mark.tone)


def _pointed(label: str, x: int, width: int) -> str:
    """The label beside a pointer at `x`, on the side where there is more room."""
    right, left = width - x - 2, x - 1
    if cell_len(label) <= right or right >= left:
        return fit(f"{' ' * x}▾ {label}", width)
    shown = fit(label, min(left, cell_len(label)))
    return fit(" " * (x - 1 - cell_len(shown)) + f"{shown} ▾", width)


def _sign(sign: str, more: bool, failed: bool, palette: Palette) -> tuple[str, Style]:
    """That there is more on this side; in the colour of failures where one is out of sight."""
    return (sign if more else " ", palette.tone("failed", bold=True) if failed else palette.muted)


def _ground(palette: Palette, in_row: bool) -> Style:
    """The column of the cursor, and its cell: a reversed row, as there are without colours, has it plain."""
    reversed_row = bool(palette.cursor.reverse)
    if in_row:
        return Style(reverse=not reversed_row)
    return Style() if reversed_row else palette.cursor


def _id(row: Run, width: int, palette: Palette) -> Runs:
    return [(short_id(row.uuid), palette.muted)]


def _took(row: Run, width: int, palette: Palette) -> Runs:
    return [(duration(row.run.duration_ms / 1000), palette.text)]
