"""The steps of a task as a list."""

from __future__ import annotations

from textual.app import ComposeResult

from tasker_tui.services import Services
from tasker_tui.task_tabs.base import TaskTab
from tasker_tui.task_view import TaskView
from tasker_tui.view_models import StepRow
from tasker_tui.widgets.step_columns import StepColumns, StepSource
from tasker_tui.widgets.virtual_table import VirtualTable


class StepsTab(TaskTab):
    """Lists the steps in the order of the graph."""

    NAME = "steps"

    def __init__(self, services: Services, view: TaskView) -> None:
        super().__init__(services, view)
        self._rows = StepSource(lambda: view)

    def compose(self) -> ComposeResult:
        """The list alone."""
        columns = StepColumns(self.services.clock, lambda: self.view, self.services.ascii_only)
        yield VirtualTable[StepRow](self._rows, columns, lambda: ["Loading…"])

    def enter(self) -> None:
        """The keys go to the list."""
        super().enter()
        self._show_cursor()
        self._table.focus()

    def steps_loaded(self, reshaped: bool) -> None:
        """There may be more rows."""
        self._rows.refresh()
        self._table.rows_moved()
        self._show_cursor()

    def states_changed(self) -> None:
        """Rows look different."""
        self._table.refresh()

    def second_passed(self) -> None:
        """Durations go on."""
        self._table.refresh_rows(lambda row: row.completed_at is None)

    def select(self, uuid: str) -> None:
        """Put the cursor on a step."""
        super().select(uuid)
        if self.shown:
            self._show_cursor()

    def on_virtual_table_highlighted(self, event: VirtualTable.Highlighted) -> None:
        """The cursor moved in the list."""
        event.stop()
        if event.key is not None and self.shown and event.key != self.selected:
            self.selected = event.key
            self.post_message(self.Chosen(event.key))

    @property
    def _table(self) -> VirtualTable[StepRow]:
        return self.query_one(VirtualTable)

    def _show_cursor(self) -> None:
        index = self._rows.index_of(self.selected or "")
        if index is not None:
            self._table.move_to(index)
