"""The runs of a template beside each other: a line a run, a cell a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rich.text import Text

from engine.client.comparison import grid
from engine.model.states import TaskState
from engine.model.wire.comparison import Grid
from tasker_tui.actions import Focus, bindings
from tasker_tui.locator import Locator, to_step, to_task
from tasker_tui.operations import Operations
from tasker_tui.row_marking import RowMarking
from tasker_tui.run_grid import GridCursor, Run
from tasker_tui.run_pairs import Pair, pair_of
from tasker_tui.screens.base import Handlers
from tasker_tui.screens.listing import ListScreen
from tasker_tui.services import Services
from tasker_tui.text import plural, printable
from tasker_tui.themes import Palette
from tasker_tui.widgets.painting import palette_for
from tasker_tui.widgets.run_columns import RunColumns
from tasker_tui.widgets.virtual_table import Column, VirtualTable

SHOWN_RUNS = 100
"""As many as the server gives at once."""


class RunsScreen(ListScreen[Run]):
    """Lists the newest runs of a template."""

    SCOPES = ("runs",)
    BINDINGS = bindings("runs")
    TITLE_WORD = "Runs"
    PLACE = "runs"

    def __init__(self, services: Services, namespace: str, name: str, version: str, *, query: str) -> None:
        super().__init__(services, query)
        self._path = (namespace, name, version)
        self._cursor = GridCursor()
        self._marking = RowMarking(lambda: [run.uuid for run in self._rows.rows], self._marks_changed)
        self._operations = Operations(self, services, lambda step: None)
        self._columns = RunColumns(services.clock, services.ascii_only, self._cursor, self._here)

    def heading(self) -> str:
        """Names the template, and tells how many runs are marked."""
        marked = self._marking.describe("")
        return f"Runs of {printable(self._path[1])} {printable(self._path[2])}{marked}"

    def is_marked(self, row: Run) -> bool:
        """By its task."""
        return row.uuid in self._marking.marks

    def focus_state(self) -> Focus:
        """The run under the cursor."""
        row = self._here()
        return Focus(
            connected=self.services.link.live,
            run=row.run if row else None,
            failed_steps=len(row.failed) if row else 0,
            marked=len(self._marking.marks.keys),
            no_pair=pair if isinstance(pair := self._pair(), str) else "",
        )

    def crumbs(self) -> tuple[str, ...]:
        """Below the list of tasks."""
        return ("tasks", "runs", printable(self._path[1]))

    def locator(self) -> Locator:
        """The template's runs."""
        return replace(super().locator(), path=self._path)

    def handlers(self) -> Handlers:
        """What the keys do."""
        return {
            "runs.open": self.open_selected,
            "runs.open_run": self._open_run,
            "runs.left": lambda: self._with_run(lambda row: self._cursor.move(row, -1)),
            "runs.right": lambda: self._with_run(lambda row: self._cursor.move(row, 1)),
            "runs.next_failed": lambda: self._with_run(self._cursor.next_failed),
            "runs.compare": self._compare,
            "runs.mark": self._toggle_mark,
            "runs.unmark": self._marking.unmark,
            "runs.start": self._start,
            "runs.back": self.app.pop_screen,
        }

    def place_of(self, row: Run) -> Locator:
        """The step under the cursor. The task, where it has no such step, or several in one column."""
        at = self._cursor.column(row)
        single = row.cell(at) is not None and row.columns[at].step_type != "batch_worker"
        return to_step(row.uuid, row.columns[at].step) if single else to_task(row.uuid)

    def key_of(self, row: Run) -> str:
        """Its task."""
        return row.uuid

    def columns(self, width: int) -> Sequence[Column[Run]]:
        """How it stands, when, how long, and its steps."""
        return self._columns(width)

    async def fetch(self) -> Sequence[Run]:
        """The newest runs."""
        call = grid(*self._path, limit=SHOWN_RUNS)
        found: Grid = await self.services.client.send(call)
        return [Run(run, found.columns) for run in found.runs]

    def told(self, row: Run, width: int, palette: Palette) -> Text:
        """Its steps by name, those first that matter."""
        return self._columns.told(row, palette)

    def searched(self, row: Run) -> str:
        """The steps that are not told as well."""
        steps = self._columns.told(row, palette_for(self), len(row.columns)).plain
        return f"{super().searched(row)}\n{steps}"

    def summary(self, rows: Sequence[Run]) -> str:
        """How many, and how many of them came through."""
        complete = sum(row.run.state is TaskState.COMPLETE for row in rows)
        return f"{plural(len(rows), 'run')}, {complete} complete"

    def when_empty(self) -> list[str]:
        """It never ran, or what ran is gone; the server cannot tell which."""
        return [
            "This version of the template has no run.",
            "",
            "{runs.start} starts one, {runs.back} leads back.",
        ]

    def on_list_screen_arrived(self, event: ListScreen.Arrived) -> None:
        """Runs that are gone are not marked any more."""
        self._marking.keep([run.uuid for run in event.rows if isinstance(run, Run)])

    def on_virtual_table_highlighted(self, event: VirtualTable.Highlighted) -> None:
        """The head of the list, and all that is in line with its cursor, may be another."""
        self.table.refresh()

    def _here(self) -> Run | None:
        return self.table.cursor_row

    def _with_run(self, do: Callable[[Run], object]) -> None:
        """Do something with the run under the cursor, and show the step that the cursor is on then."""
        row = self._here()
        if row is not None:
            do(row)
            self._tell()
            self.table.refresh()
            self.show_state()

    def _open_run(self) -> None:
        row = self._here()
        if row is not None:
            self.services.go(to_task(row.uuid))

    def _pair(self) -> Pair | str:
        row = self._here()
        if row is None:
            return "no run is selected"
        return pair_of(self._rows.all, [run for run in self._rows.all if self.is_marked(run)], row)

    def _compare(self) -> None:
        pair = self._pair()
        if isinstance(pair, Pair):
            self.services.go(Locator("compare", (pair.first.uuid, pair.second.uuid)))
            if pair.note:
                self.notify(pair.note, markup=False)

    def _toggle_mark(self) -> None:
        self._with_run(lambda row: self._marking.toggle(row.uuid))
        self.table.action_do("list.down")

    def _marks_changed(self) -> None:
        self._title()
        self.table.refresh()
        self.show_state()

    def _start(self) -> None:
        go = self.services.go
        self._operations.start_of("/".join(self._path), lambda task: go(to_task(str(task.task_uuid))))
