"""What a task was started with."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from tasker_tui.task_report import context_text
from tasker_tui.task_tabs.base import TaskTab
from tasker_tui.widgets.painting import palette_for


class ContextTab(TaskTab):
    """Tells by whom, why and with which context the task was started."""

    NAME = "context"

    def compose(self) -> ComposeResult:
        """A text that scrolls."""
        with VerticalScroll():
            yield Static(markup=False)

    def enter(self) -> None:
        """The keys scroll the text."""
        super().enter()
        self.query_one(VerticalScroll).focus()

    def states_changed(self) -> None:
        """The task may have ended."""
        self.query_one(Static).update(context_text(self.view, palette_for(self)))
