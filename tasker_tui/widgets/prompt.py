"""The line in which a filter is typed: it narrows the list while one types and says what it cannot read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Label

from tasker_tui.filters import (
    FilterError,
    TaskFilter,
    begins_key,
    completion,
    expand,
    format_filter,
    parse_filter,
)

Names = Callable[[], dict[str, Sequence[str]]]


class FilterPrompt(Horizontal):
    """Hidden until it is opened. Enter keeps the filter, escape brings the one before back."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", show=False)]

    class Changed(Message):
        """The filter reads differently now; `settled` when it was confirmed or taken back."""

        def __init__(self, task_filter: TaskFilter, settled: bool) -> None:
            super().__init__()
            self.filter, self.settled = task_filter, settled

    def __init__(self, names: Names, saved: Callable[[], Mapping[str, str]]) -> None:
        super().__init__()
        self._names, self._saved = names, saved
        self._before = TaskFilter()

    def compose(self) -> ComposeResult:
        """The slash, the input, and room for what is wrong."""
        yield Label("/", id="slash")
        yield Input(
            compact=True, suggester=_Completion(self._names), placeholder="state:failing since:2h text"
        )
        yield Label("", id="problem", markup=False)

    def open(self, task_filter: TaskFilter) -> None:
        """Show the prompt with the filter in force."""
        self._before = task_filter
        self.display = True
        field = self.query_one(Input)
        text = format_filter(task_filter)
        field.value = f"{text} " if text else ""
        field.cursor_position = len(field.value)
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list while one types."""
        event.stop()
        if self.display and not begins_key(event.value):
            self._read(event.value, settled=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter if it can be read."""
        event.stop()
        if self._read(event.value, settled=True):
            self.display = False

    def action_dismiss(self) -> None:
        """Take the filter back."""
        self.display = False
        self.post_message(self.Changed(self._before, settled=True))

    def _read(self, text: str, settled: bool) -> bool:
        problem = self.query_one("#problem", Label)
        try:
            found = parse_filter(expand(text, self._saved()))
        except FilterError as error:
            problem.update(str(error))
            return False
        problem.update("")
        self.post_message(self.Changed(found, settled))
        return True


class _Completion(Suggester):
    def __init__(self, names: Names) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._names = names

    async def get_suggestion(self, value: str) -> str | None:
        return completion(value, self._names())
