"""Choose one of many; typing narrows the list."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Generic, TypeVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tasker_tui.widgets.dialog import Dialog

T = TypeVar("T")


class PickList(Dialog[T | None], Generic[T]):
    """Answers what was chosen, None if nothing was; the actions are `choose` and `close` of its scope."""

    def __init__(self, title: str, choices: Sequence[T]) -> None:
        super().__init__(title)
        self._choices = choices
        self._shown: list[T] = []

    @abstractmethod
    def name_of(self, choice: T) -> str:
        """What is searched."""

    @abstractmethod
    def line_of(self, choice: T) -> Text:
        """How it is shown."""

    def compose_body(self) -> ComposeResult:
        """A line to type in, the list below."""
        yield Input(placeholder="type to narrow", id="pick-text", compact=True)
        yield OptionList(id="pick-list", markup=False, compact=True)

    def on_mount(self) -> None:
        """Show all of them."""
        self.query_one(OptionList).can_focus = False
        self._show("")
        self.query_one(Input).focus()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Choose or close."""
        close = partial(self.dismiss, None)
        return {f"{self.SCOPE}.choose": self._choose, f"{self.SCOPE}.close": close}

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list."""
        event.stop()
        self._show(event.value)

    def on_input_submitted(self) -> None:
        """Enter takes what is highlighted."""
        self._choose()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click takes it too."""
        self.dismiss(self._shown[event.option_index])

    def on_key(self, event: events.Key) -> None:
        """The arrows move the list while the text has the focus."""
        moves = {"down": OptionList.action_cursor_down, "up": OptionList.action_cursor_up}
        if event.key in moves:
            event.stop()
            moves[event.key](self.query_one(OptionList))

    @property
    def highlighted(self) -> T | None:
        """What enter would take."""
        index = self.query_one(OptionList).highlighted
        return None if index is None else self._shown[index]

    def _show(self, text: str) -> None:
        words = text.lower().split()
        self._shown = [
            choice for choice in self._choices if all(word in self.name_of(choice).lower() for word in words)
        ]
        options = self.query_one(OptionList)
        options.set_options(Option(self.line_of(choice)) for choice in self._shown)
        options.highlighted = 0 if self._shown else None

    def _choose(self) -> None:
        if self.highlighted is not None:
            self.dismiss(self.highlighted)
