"""The lower half of a task: the selected step, told at the left and its data at the right."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from tasker_tui.step_report import StepFacts, data, state_of_affairs, title
from tasker_tui.widgets.painting import palette_for


class StepPanel(Vertical):
    """Shows the facts that it is given."""

    def __init__(self) -> None:
        super().__init__(id="step-panel")
        self._facts: StepFacts | None = None

    def compose(self) -> ComposeResult:
        """A title line and two columns, which narrow screens stack."""
        yield Static(id="step-title", markup=False)
        with VerticalScroll(id="step-body", can_focus=True):
            yield Static(id="step-state", markup=False)
            yield Static(id="step-data", markup=False)

    def show(self, facts: StepFacts | None) -> None:
        """Show a step, or nothing."""
        self._facts = facts
        palette, width = palette_for(self), self.query_one("#step-state").content_size.width
        parts = {
            "step-title": title(facts, palette) if facts else "",
            "step-state": state_of_affairs(facts, palette, width) if facts else "",
            "step-data": data(facts, palette) if facts else "",
        }
        for name, part in parts.items():
            self.query_one(f"#{name}", Static).update(part)

    def on_resize(self) -> None:
        """Lines are cut to the width."""
        self.call_after_refresh(lambda: self.show(self._facts))

    def show_title(self, facts: StepFacts) -> None:
        """Only what changes with time."""
        self.query_one("#step-title", Static).update(title(facts, palette_for(self)))
