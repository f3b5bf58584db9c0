"""What the tabs of a step have in common."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Static

from tasker_tui.services import Services
from tasker_tui.step_report import StepFacts
from tasker_tui.themes import Palette
from tasker_tui.widgets.painting import palette_for

PAGE_WIDTH = 120
"""Of a text in a pager, in cells."""


class StepTab(Vertical):
    """One way to look at a step. Its id is its name, which is its title and part of its action."""

    NAME: ClassVar[str]
    DEFAULT_CSS = "StepTab { height: 1fr; }"

    class NoteChanged(Message):
        """What the frame's lower edge says is another thing now."""

    def __init__(self, services: Services) -> None:
        super().__init__(id=self.NAME)
        self.services = services
        self.facts: StepFacts | None = None

    def enter(self) -> None:
        """The tab is shown now: take the focus."""

    def show(self, facts: StepFacts) -> None:
        """The step as it is now."""
        self.facts = facts

    def whole(self) -> str:
        """All that it shows, whatever of it is folded or cut, for a pager."""
        raise NotImplementedError

    @property
    def note(self) -> str:
        """What the frame's lower edge says of the tab."""
        return ""


class TextTab(StepTab):
    """A tab that tells something as a text that scrolls."""

    DEFAULT_CSS = "TextTab VerticalScroll { padding: 0 1; }"

    def compose(self) -> ComposeResult:
        """The text alone."""
        with VerticalScroll():
            yield Static(markup=False)

    def text(self, facts: StepFacts, palette: Palette, width: int) -> Text:
        """What is told, for a column of `width` cells."""
        raise NotImplementedError

    def enter(self) -> None:
        """The keys scroll the text."""
        self.query_one(VerticalScroll).focus()
        self.on_resize()

    def show(self, facts: StepFacts) -> None:
        """Tell it."""
        super().show(facts)
        self.on_resize()

    def whole(self) -> str:
        """The text."""
        return self.text(self.facts, palette_for(self), PAGE_WIDTH).plain if self.facts else ""

    def on_resize(self) -> None:
        """Lines are cut to the width."""
        width = self.query_one(VerticalScroll).scrollable_content_region.width
        if self.facts is not None and width:
            self.query_one(Static).update(self.text(self.facts, palette_for(self), max(20, width)))
