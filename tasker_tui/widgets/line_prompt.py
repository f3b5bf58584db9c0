"""A line that is typed at the foot of a screen, read while one types."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Label

from tasker_tui.widgets.line_input import LineInput


class LinePrompt(Horizontal):
    """Hidden until it is opened. Enter keeps the text, escape brings the one before back.

    `check` raises ValueError with what is wrong about a text. What is `unfinished` is not taken over yet.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", show=False)]
    DEFAULT_CSS = """
    LinePrompt { dock: bottom; height: auto; margin-bottom: 1; display: none; background: $surface; }
    LinePrompt .sign { width: 3; padding: 0 1; color: $accent; text-style: bold; }
    LinePrompt Input { width: 1fr; background: $surface; }
    LinePrompt .problem { width: auto; max-width: 60%; height: auto; padding: 0 1; color: $error; }
    """

    class Changed(Message):
        """The text reads differently now; `settled` when it was confirmed or taken back."""

        def __init__(self, text: str, settled: bool) -> None:
            super().__init__()
            self.text, self.settled = text, settled

    def __init__(
        self,
        check: Callable[[str], object],
        placeholder: str,
        suggester: Suggester | None = None,
        unfinished: Callable[[str], bool] = lambda text: False,
    ) -> None:
        super().__init__()
        self._check, self._placeholder = check, placeholder
        self._suggester, self._unfinished = suggester, unfinished
        self._before = ""

    def compose(self) -> ComposeResult:
        """The slash, the input, and room for what is wrong."""
        yield Label("/", classes="sign")
        yield LineInput(compact=True, suggester=self._suggester, placeholder=self._placeholder)
        yield Label("", classes="problem", markup=False)

    def open(self, text: str) -> None:
        """Show the prompt with the text in force."""
        self._before = text
        self.display = True
        field = self.query_one(Input)
        field.value = f"{text} " if text else ""
        field.cursor_position = len(field.value)
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Take it over while one types."""
        event.stop()
        if self.display and not self._unfinished(event.value):
            self._read(event.value, settled=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep it if it can be read."""
        event.stop()
        if self._read(event.value, settled=True):
            self.display = False

    def action_dismiss(self) -> None:
        """Take it back."""
        self.display = False
        self.post_message(self.Changed(self._before, settled=True))

    def _read(self, text: str, settled: bool) -> bool:
        problem = self.query_one(".problem", Label)
        try:
            self._check(text)
        except ValueError as error:
            problem.update(str(error))
            return False
        problem.update("")
        self.post_message(self.Changed(text.strip(), settled))
        return True
