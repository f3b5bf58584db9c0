"""The command line at the bottom of a screen: completes while one types, remembers, says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Label, Static

from tasker_tui.actions import Scope, bindings
from tasker_tui.command_line import (
    Command,
    CommandError,
    Vocabulary,
    beginning_words,
    completions,
    parse_command,
)
from tasker_tui.remembered import History
from tasker_tui.text import fit, printable
from tasker_tui.widgets.painting import palette_for


class CommandPrompt(ModalScreen[Command | None]):
    """Answers what to do, None for nothing."""

    SCOPE: ClassVar[Scope] = "command"
    BINDINGS = bindings("command")
    DEFAULT_CSS = """
    CommandPrompt > Vertical { height: 2; margin-bottom: 1; background: $surface; }
    CommandPrompt Static { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    CommandPrompt Horizontal { height: 1; }
    CommandPrompt Label { width: 3; padding: 0 1; color: $accent; text-style: bold; }
    CommandPrompt Input { width: 1fr; background: $surface; }
    """

    def __init__(self, vocabulary: Vocabulary, history: History) -> None:
        super().__init__()
        self._vocabulary, self._history = vocabulary, history
        self._typed = ""
        self._back = 0

    def compose(self) -> ComposeResult:
        """What may follow or what is wrong, and the line."""
        with Vertical():
            yield Static(id="command-options", markup=False)
            with Horizontal():
                yield Label(":")
                yield Input(compact=True, suggester=_Ghost(self._complete))

    def on_mount(self) -> None:
        """Say what there is."""
        self.query_one(Input).focus()
        self._show_options("")

    def action_do(self, action_id: str) -> None:
        """Do what the key says."""
        handlers: Mapping[str, Callable[[], object]] = {
            "command.complete": self._take_completion,
            "command.older": partial(self._move, 1),
            "command.newer": partial(self._move, -1),
            "command.close": partial(self.dismiss, None),
        }
        handlers[action_id]()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what may follow."""
        event.stop()
        if event.value != self._recalled(self._back):
            self._typed, self._back = event.value, 0
        self._show_options(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do it, or say what is wrong."""
        event.stop()
        line = event.value.strip()
        try:
            found = parse_command(line, self._vocabulary)
        except CommandError as error:
            wrong = palette_for(self).tone("failed")
            self._tell(Text(printable(str(error)), wrong))
            return
        self._history.add(line)
        self.dismiss(found)

    def _complete(self, text: str) -> str | None:
        return next(iter([*completions(text, self._vocabulary), *self._history.beginning(text)]), None)

    def _take_completion(self) -> None:
        field = self.query_one(Input)
        best = self._complete(field.value) if field.value else None
        if best is not None:
            field.value = best
            field.cursor_position = len(best)

    def _recalled(self, back: int) -> str:
        """The line so many back in the history of those that begin as what was typed."""
        return self._history.beginning(self._typed)[back - 1] if back else self._typed

    def _move(self, by: int) -> None:
        self._back = max(0, min(self._back + by, len(self._history.beginning(self._typed))))
        field = self.query_one(Input)
        field.value = self._recalled(self._back)
        field.cursor_position = len(field.value)

    def _show_options(self, text: str) -> None:
        palette = palette_for(self)
        found = completions(text, self._vocabulary) if text else beginning_words(self._vocabulary)
        self._tell(Text(fit(printable("   ".join(found)), max(1, self.size.width - 2)), palette.muted))

    def _tell(self, text: Text) -> None:
        self.query_one("#command-options", Static).update(text)


class _Ghost(Suggester):
    def __init__(self, complete: Callable[[str], str | None]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        return self._complete(value)
