"""The Gantt chart of a task."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.message import Message

from engine.client import reports
from engine.model.wire.events import TransitionChange
from engine.model.wire.reports import Timeline
from tasker_tui.gantt.chart import Chart
from tasker_tui.gantt.table import GLYPHS, LEGEND, GanttTable
from tasker_tui.loading import Loading
from tasker_tui.services import Services
from tasker_tui.task_tabs.base import TaskTab
from tasker_tui.task_view import TaskView
from tasker_tui.trouble import CALL_FAILURES, explain
from tasker_tui.view_models import StepRow
from tasker_tui.widgets.virtual_table import VirtualTable

PART = 1_000
"""Steps of the timeline that are loaded at once."""


class StartedSteps:
    """The steps of a task in the order of their start."""

    def __init__(self, view: TaskView, chart: Chart) -> None:
        self._view, self._chart = view, chart
        self._order: list[str] = []
        self._index: dict[str, int] = {}

    def refresh(self) -> None:
        """Order the steps anew."""
        self._order = self._chart.start_order([step.uuid for step in self._view.ordered()])
        self._index = {uuid: i for i, uuid in enumerate(self._order)}

    @property
    def total(self) -> int:
        """How many steps there are."""
        return len(self._order)

    def row_at(self, index: int) -> StepRow | None:
        """The step at an index."""
        return self._view.steps.get(self._order[index]) if 0 <= index < len(self._order) else None

    def index_of(self, key: str) -> int | None:
        """Where a step stands."""
        return self._index.get(key)

    def key_of(self, row: StepRow) -> str:
        """What the cursor holds on to."""
        return row.uuid


class GanttTab(TaskTab):
    """Shows when every step waited, was queued and ran. It is loaded while it is shown."""

    NAME = "gantt"

    class TimelineArrived(Message):
        """The timeline was loaded, or `trouble` says why not."""

        def __init__(self, parts: Sequence[Timeline], trouble: str | None = None) -> None:
            super().__init__()
            self.parts, self.trouble = parts, trouble

    def __init__(self, services: Services, view: TaskView) -> None:
        super().__init__(services, view)
        self._chart = Chart()
        self._rows = StartedSteps(view, self._chart)
        self._trouble: str | None = None
        self._loading = Loading(self, self._fetch, "timeline")

    def compose(self) -> ComposeResult:
        """The chart alone."""
        services = self.services
        yield GanttTable(self._rows, self._chart, services.clock, services.ascii_only, "Loading…")

    def enter(self) -> None:
        """The keys go to the chart."""
        super().enter()
        self._rows.refresh()
        self._loading.ask()
        self._show_cursor()
        self._table.focus()

    def steps_loaded(self, reshaped: bool) -> None:
        """Something has happened: what the transitions did not say comes with the timeline."""
        if self.shown:
            self._loading.ask()

    def happened(self, changes: Sequence[TransitionChange]) -> None:
        """Bars begin and end at once."""
        self._chart.apply(changes)
        if self.shown:
            self._reorder()

    def states_changed(self) -> None:
        """Rows look different."""
        if self.shown:
            self._table.refresh()

    def second_passed(self) -> None:
        """Bars grow until the task has ended."""
        if self._chart.completed_at is None:
            self._table.time_passed()

    def select(self, uuid: str) -> None:
        """Put the cursor on a step."""
        super().select(uuid)
        if self.shown:
            self._show_cursor()

    def on_virtual_table_highlighted(self, event: VirtualTable.Highlighted) -> None:
        """The cursor moved in the chart."""
        event.stop()
        if event.key is not None and self.shown:
            self._table.show_bar(event.key)
            if event.key != self.selected:
                self.selected = event.key
                self.post_message(self.Chosen(event.key))

    def on_gantt_tab_timeline_arrived(self, event: TimelineArrived) -> None:
        """Show what was loaded."""
        self._trouble = event.trouble
        self._chart.load(event.parts)
        self._reorder()
        self.post_message(self.NoteChanged())

    @property
    def note(self) -> str:
        """What the bars mean, or why there are none."""
        if self._trouble:
            return f"the times could not be loaded: {self._trouble}"
        glyphs = [f"{GLYPHS[shade][self.services.ascii_only]} {word}" for shade, word in LEGEND]
        return "  ".join(glyphs)

    @property
    def _table(self) -> GanttTable:
        return self.query_one(GanttTable)

    def _reorder(self) -> None:
        self._rows.refresh()
        self._table.rows_moved()
        self._show_cursor()
        self._table.time_passed()

    def _show_cursor(self) -> None:
        index = self._rows.index_of(self.selected or "")
        if index is not None:
            self._table.move_to(index)

    async def _fetch(self) -> None:
        parts: list[Timeline] = []
        try:
            while not parts or parts[-1].next_after:
                after = parts[-1].next_after if parts else None
                call = reports.timeline(self.view.uuid, after=after, limit=PART)
                parts.append(await self.services.client.send(call))
        except CALL_FAILURES as error:
            self.post_message(self.TimelineArrived((), explain(error)))
        else:
            self.post_message(self.TimelineArrived(parts))
