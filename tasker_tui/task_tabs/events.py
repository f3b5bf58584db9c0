"""What happened to a task and its steps, as it happens."""

from __future__ import annotations

from collections.abc import Sequence

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from engine.model.wire.events import TransitionChange
from tasker_tui.services import Services
from tasker_tui.task_report import event_lines
from tasker_tui.task_tabs.base import TaskTab
from tasker_tui.task_view import KEPT_EVENTS, TaskView
from tasker_tui.trouble import CALL_FAILURES
from tasker_tui.widgets.painting import palette_for


class EventsTab(TaskTab):
    """Lists transitions, newest first. Those from before the task was opened are loaded when it is shown."""

    NAME = "events"

    class HistoryArrived(Message):
        """A part of what happened before was loaded, oldest first."""

        def __init__(self, changes: Sequence[TransitionChange]) -> None:
            super().__init__()
            self.changes = changes

    def __init__(self, services: Services, view: TaskView) -> None:
        super().__init__(services, view)
        self._history_asked = False

    def compose(self) -> ComposeResult:
        """A text that scrolls."""
        with VerticalScroll():
            yield Static(markup=False)

    def enter(self) -> None:
        """The keys scroll the text."""
        super().enter()
        if not self._history_asked:
            self._history_asked = True
            self._fetch_history()
        self.states_changed()
        self.query_one(VerticalScroll).focus()

    def states_changed(self) -> None:
        """Something more happened."""
        if self.shown:
            self.query_one(Static).update(event_lines(self.view, palette_for(self)))

    def on_events_tab_history_arrived(self, event: HistoryArrived) -> None:
        """Complete the list."""
        self.view.remember(event.changes)
        self.states_changed()

    @work(group="history", exclusive=True)
    async def _fetch_history(self) -> None:
        changes: list[TransitionChange] = []
        after: int | None = 0
        try:
            while after is not None and len(changes) < KEPT_EVENTS:
                page = await self.services.client.task_transitions(self.view.uuid, after=after)
                changes += page.transitions
                after = page.next_after
        except CALL_FAILURES:
            self._history_asked = False
        self.post_message(self.HistoryArrived(changes))
