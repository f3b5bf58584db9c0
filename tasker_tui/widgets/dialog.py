"""The frame of the modal dialogs: a title, a body, and the keys at the bottom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tasker_tui.actions import Scope, key_name, of_scope
from tasker_tui.widgets.painting import palette_for

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """`SCOPE` names the dialog's actions in the table; the subclass declares their bindings."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal")]  # noqa: RUF012
    SCOPE: ClassVar[Scope]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        """The frame around the body."""
        with Vertical(id="dialog") as frame:
            frame.border_title = Content(self._title)
            with VerticalScroll(id="dialog-body", can_focus=False):
                yield from self.compose_body()
            yield Static(id="dialog-problem", markup=False)
            yield Static(id="dialog-keys", markup=False)

    def compose_body(self) -> ComposeResult:
        """What is asked or told."""
        raise NotImplementedError

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """What the dialog's actions do."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Write the keys."""
        palette = palette_for(self)
        line = Text()
        for action in of_scope(self.SCOPE):
            line.append(f" {key_name(action.keys[0])} ", palette.strong + palette.accent)
            line.append(f"{action.title}  ", palette.text)
        self.query_one("#dialog-keys", Static).update(line)

    def action_do(self, action_id: str) -> None:
        """Do what the action says."""
        self.handlers()[action_id]()

    def tell(self, problem: str) -> None:
        """Show what is wrong above the keys; an empty text takes it back."""
        self.query_one("#dialog-problem", Static).update(problem)
