"""The runs of a template beside each other: a line a run, a mark a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from engine.client.comparison import grid
from engine.model.states import TaskState
from engine.model.wire.comparison import Grid, GridCell, GridColumn, GridRun
from tasker_tui.actions import Focus, bindings
from tasker_tui.locator import Locator, to_task
from tasker_tui.screens.base import Handlers
from tasker_tui.screens.listing import ListScreen
from tasker_tui.services import Services
from tasker_tui.states import STEP_MARKS, TASK_MARKS
from tasker_tui.text import age, duration, plural, printable, short_id
from tasker_tui.themes import Palette
from tasker_tui.widgets.virtual_table import Column, Runs

SHOWN_RUNS = 100
"""As many as the server gives at once."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run with the columns that its cells belong to."""

    run: GridRun
    columns: Sequence[GridColumn]


class RunsScreen(ListScreen[Run]):
    """Lists the newest runs of a template."""

    SCOPES = ("runs",)
    BINDINGS = bindings("runs")
    TITLE_WORD = "Runs"
    PLACE = "runs"

    def __init__(self, services: Services, namespace: str, name: str, version: str) -> None:
        super().__init__(services)
        self._templatespace, self._template, self._version = namespace, name, version

    def heading(self) -> str:
        """Names the template."""
        return f"Runs of {printable(self._template)} {printable(self._version)}"

    def focus_state(self) -> Focus:
        """The run under the cursor."""
        row = self.table.cursor_row
        return Focus(
            connected=self.services.link.live,
            run=row.run if row else None,
            other_run=self._good_one(row) is not None,
        )

    def crumbs(self) -> tuple[str, ...]:
        """Below the list of tasks."""
        return ("tasks", "runs", printable(self._template))

    def locator(self) -> Locator:
        """The template's runs."""
        return Locator("runs", (self._templatespace, self._template, self._version))

    def handlers(self) -> Handlers:
        """What the keys do."""
        return {
            "runs.open": self.open_selected,
            "runs.compare": self._compare,
            "runs.back": self.app.pop_screen,
        }

    def place_of(self, row: Run) -> Locator:
        """Its task."""
        return to_task(str(row.run.task_uuid))

    def key_of(self, row: Run) -> str:
        """Its task."""
        return str(row.run.task_uuid)

    def columns(self, width: int) -> Sequence[Column[Run]]:
        """When, how long, how it stands, and its steps."""
        when, took = Column("AGE", 4, self._age, "right"), Column("TOOK", 7, _took, "right")
        return [Column("STATE", 12, _state), Column("ID", 8, _id), when, took, Column("STEPS", 0, _steps)]

    async def fetch(self) -> Sequence[Run]:
        """The newest runs."""
        call = grid(self._templatespace, self._template, self._version, limit=SHOWN_RUNS)
        found: Grid = await self.services.client.send(call)
        return [Run(run, found.columns) for run in found.runs]

    def told(self, row: Run, width: int, palette: Palette) -> Text:
        """Its steps by name."""
        text = Text()
        for column, cell in zip(row.columns, row.run.cells, strict=True):
            text.append_text(_told_cell(column, cell, palette))
        return text

    def summary(self, rows: Sequence[Run]) -> str:
        """How many, and how many of them came through."""
        complete = sum(row.run.state is TaskState.COMPLETE for row in rows)
        return f"{plural(len(rows), 'run')}, {complete} complete"

    def when_empty(self) -> list[str]:
        """Cannot be, as it was opened from a run; but that may have been deleted."""
        return ["This template has no run any more.", "", "{runs.back} leads back to the tasks."]

    def _good_one(self, row: Run | None) -> Run | None:
        """The newest run that came through, other than this one."""
        good = (one for one in self._rows.all if one.run.state is TaskState.COMPLETE)
        return next((one for one in good if row is not None and one.run.task_uuid != row.run.task_uuid), None)

    def _compare(self) -> None:
        row = self.table.cursor_row
        good = self._good_one(row)
        if row is not None and good is not None:
            pair = (str(good.run.task_uuid), str(row.run.task_uuid))
            self.services.go(Locator("compare", pair))

    def _age(self, row: Run, width: int, palette: Palette) -> Runs:
        return [(age(row.run.created_at, self.services.clock.now()), palette.muted)]


def _told_cell(column: GridColumn, cell: GridCell | None, palette: Palette) -> Text:
    if cell is None:
        return Text(f"  {printable(column.step)}  not part of this run\n", palette.faint)
    mark = STEP_MARKS[cell.state]
    text = Text.assemble(
        (f"{mark.glyph(False)} ", palette.tone(mark.tone, bold=True)), printable(column.step)
    )
    several = f"  {plural(cell.steps, 'step')}" if cell.steps > 1 else ""
    took = f"  {duration(cell.duration_ms / 1000)}" if cell.duration_ms is not None else ""
    tries = f"  {plural(cell.attempts, 'attempt')}" if cell.attempts > 1 else ""
    text.append(f"  {mark.word}{several}{took}{tries}\n", palette.muted)
    return text


def _state(row: Run, width: int, palette: Palette) -> Runs:
    mark = TASK_MARKS[row.run.state]
    return [(f"{mark.glyph(False)} {mark.word}", palette.tone(mark.tone))]


def _id(row: Run, width: int, palette: Palette) -> Runs:
    return [(short_id(str(row.run.task_uuid)), palette.muted)]


def _took(row: Run, width: int, palette: Palette) -> Runs:
    return [(duration(row.run.duration_ms / 1000), palette.text)]


def _steps(row: Run, width: int, palette: Palette) -> Runs:
    runs = []
    for cell in row.run.cells[:width]:
        mark = STEP_MARKS[cell.state] if cell else None
        runs.append((mark.glyph(False), palette.tone(mark.tone)) if mark else ("·", palette.faint))
    return [*runs, (" " * (width - len(runs)), palette.faint)]
