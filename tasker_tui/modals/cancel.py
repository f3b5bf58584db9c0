"""Cancel: shows what is lost, and wants a key of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from tasker_tui.actions import bindings
from tasker_tui.text import plural, printable, short_id
from tasker_tui.themes import Palette
from tasker_tui.view_models import TaskRow
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.painting import palette_for


class CancelDialog(Dialog[bool]):
    """Answers whether to cancel the task, which stays the one that the dialog opened for."""

    SCOPE = "cancel"
    BINDINGS = bindings("cancel")

    def __init__(self, task: TaskRow, command: str) -> None:
        super().__init__(f"Cancel {short_id(task.uuid)}?")
        self._target, self._command = task, command

    def compose_body(self) -> ComposeResult:
        """What is lost."""
        yield Static(id="cancel-facts", markup=False)

    def on_mount(self) -> None:
        """Tell what is lost."""
        self.query_one("#cancel-facts", Static).update(_facts(self._target, self._command, palette_for(self)))

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Yes or no."""
        return {
            "cancel.send": partial(self.dismiss, True),
            "cancel.close": partial(self.dismiss, False),
        }


def _facts(task: TaskRow, command: str, palette: Palette) -> Text:
    lost = task.total - task.completed
    running = f"; {plural(task.running, 'running step')} will be told to stop" if task.running else ""
    text = Text.assemble(("task      ", palette.muted), (f"{printable(task.name)}  ", palette.strong))
    text.append(f"{task.mark.glyph(False)} {task.mark.word}\n\n", palette.tone(task.mark.tone))
    text.append(f"{plural(lost, 'step')} of {task.total} will not run{running}.\n", palette.text)
    text.append("A cancelled task cannot be resumed.\n\n", palette.text)
    text.append(f"same as   {command}\n", palette.muted)
    return text
