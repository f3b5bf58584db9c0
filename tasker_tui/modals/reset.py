"""The reset of the local stack's database: says what is lost, and wants the word typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label, Static

from tasker_tui.actions import bindings
from tasker_tui.dev.report import StackReport
from tasker_tui.text import printable
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.painting import palette_for

WORD = "reset"


class ResetDialog(Dialog[bool]):
    """Answers whether to throw the database of the stack away that the dialog opened for."""

    SCOPE = "reset"
    BINDINGS = bindings("reset")

    def __init__(self, report: StackReport) -> None:
        super().__init__("Reset the database?")
        self._stack = report

    def compose_body(self) -> ComposeResult:
        """What is lost, and the word."""
        yield Static(id="reset-facts", markup=False)
        with Horizontal(classes="labelled"):
            yield Label("confirm   ")
            yield Input(id="reset-confirm", placeholder=f"type {WORD}", compact=True)

    def on_mount(self) -> None:
        """Tell what is lost."""
        palette, stack = palette_for(self), self._stack
        text = Text.assemble(("stack     ", palette.muted), (f"{printable(stack.url)}\n", palette.strong))
        if stack.data_dir:
            text.append("data      ", palette.muted)
            text.append(f"{printable(stack.data_dir)}\n", palette.text)
        text.append(
            "\nAll tasks, results and registered templates are thrown away.\n", palette.tone("failed")
        )
        text.append("What runs is killed; the worker registers its templates again.\n\n", palette.text)
        text.append(f"same as   {self.here('tasker dev reset')}\n", palette.muted)
        self.query_one("#reset-facts", Static).update(text)
        self.query_one(Input).focus()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Do it or not."""
        return {"reset.send": self._send, "reset.close": partial(self.dismiss, False)}

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter sends."""
        self._send()

    def _send(self) -> None:
        if self.query_one(Input).value.strip() == WORD:
            self.dismiss(True)
        else:
            self.tell(f"type {WORD} to confirm")
