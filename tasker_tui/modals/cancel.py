"""Cancel: shows what is lost, and wants a key of its own; while steps run, the task's id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label, Static

from tasker_tui.actions import bindings
from tasker_tui.text import plural, printable, short_id
from tasker_tui.themes import Palette
from tasker_tui.view_models import TaskRow
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.painting import palette_for


class CancelDialog(Dialog[str | None]):
    """Answers the reason, or None to keep the task, which stays the one that the dialog opened for."""

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
        facts = _facts(self._target, self.here(self._command), palette_for(self))
        self.query_one("#cancel-facts", Static).update(facts)

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Yes or no."""
        return {"cancel.send": partial(self.dismiss, ""), "cancel.close": partial(self.dismiss, None)}


class CancelRunningDialog(CancelDialog):
    """Some of the task's steps run: a key is not enough, its id has to be typed."""

    SCOPE = "cancel_running"
    BINDINGS = bindings("cancel_running")

    def compose_body(self) -> ComposeResult:
        """What is lost, why, and the id."""
        yield from super().compose_body()
        with Horizontal(classes="labelled"):
            yield Label("reason    ")
            yield Input(id="cancel-reason", placeholder="kept in the task's history", compact=True)
        with Horizontal(classes="labelled"):
            yield Label("confirm   ")
            yield Input(id="cancel-confirm", placeholder=f"type {self._short_id}", compact=True)

    def on_mount(self) -> None:
        """Begin with the reason."""
        self.query_one("#cancel-reason", Input).focus()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Send or leave."""
        return {"cancel_running.send": self._send, "cancel_running.close": partial(self.dismiss, None)}

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes to the next field; in the last one it sends."""
        if event.input.id == "cancel-confirm":
            self._send()
        else:
            self.focus_next()

    @property
    def _short_id(self) -> str:
        return short_id(self._target.uuid)

    def _send(self) -> None:
        typed = self.query_one("#cancel-confirm", Input)
        if typed.value.strip() == self._short_id:
            self.dismiss(self.query_one("#cancel-reason", Input).value.strip())
        else:
            self.tell(f"type {self._short_id} to confirm: its steps run, and what they have done is lost")
            typed.focus()


def _facts(task: TaskRow, command: str, palette: Palette) -> Text:
    lost = task.total - task.completed
    running = f"; {plural(task.running, 'running step')} will be told to stop" if task.running else ""
    text = Text.assemble(("task      ", palette.muted), (f"{printable(task.name)}  ", palette.strong))
    text.append(f"{task.mark.glyph(False)} {task.mark.word}\n\n", palette.tone(task.mark.tone))
    text.append(f"{plural(lost, 'step')} of {task.total} will not run{running}.\n", palette.text)
    text.append("A cancelled task cannot be resumed.\n\n", palette.text)
    text.append(f"same as   {command}\n", palette.muted)
    return text
