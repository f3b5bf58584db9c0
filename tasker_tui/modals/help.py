"""Help: the keys of the screen below, from the table of actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from rich.console import Group
from rich.table import Column, Table
from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from tasker_tui.actions import Scope, bindings, key_name, of_scope
from tasker_tui.keymap import keys_of
from tasker_tui.states import STEP_MARKS, TASK_MARKS, Mark
from tasker_tui.themes import Palette
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.painting import palette_for

HEADINGS: dict[Scope, str] = {
    "tasks": "TASKS",
    "task": "TASK",
    "letters": "DEAD LETTERS",
    "rows": "THIS LIST",
    "list": "IN A LIST",
    "graph": "IN THE GRAPH",
    "gantt": "IN THE GANTT CHART",
    "app": "EVERYWHERE",
}
KEYS_WIDTH = 18


class HelpDialog(Dialog[None]):
    """Lists the actions of the scopes, and what the states look like."""

    SCOPE = "help"
    BINDINGS = bindings("help")

    def __init__(self, scopes: Sequence[Scope]) -> None:
        super().__init__("Keys")
        self._scopes = scopes

    def compose_body(self) -> ComposeResult:
        """Keys, then states."""
        yield Static(id="help-keys", markup=False)

    def on_mount(self) -> None:
        """Write everything down."""
        palette = palette_for(self)
        keys = Table.grid(Column(width=KEYS_WIDTH), Column(ratio=1), expand=True)
        for scope in self._scopes:
            keys.add_row(Text(HEADINGS.get(scope, scope.upper()), palette.strong + palette.accent))
            for action in of_scope(scope):
                names = "  ".join(key_name(key) for key in keys_of(self.app, action))
                keys.add_row(Text(names, palette.strong), Text(action.help, palette.text))
            keys.add_row()
        states = Text()
        _marks(states, "STATES OF TASKS", TASK_MARKS.values(), palette)
        _marks(states, "STATES OF STEPS", STEP_MARKS.values(), palette)
        self.query_one("#help-keys", Static).update(Group(keys, states))
        frame = self.query_one("#dialog")
        frame.can_focus = True
        frame.focus()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Close."""
        return {"help.close": partial(self.dismiss, None)}


def _marks(text: Text, heading: str, marks: Iterable[Mark], palette: Palette) -> None:
    text.append(f"{heading}\n", palette.strong + palette.accent)
    for mark in marks:
        text.append(f"{mark.shape} {mark.letter}  ", palette.tone(mark.tone, bold=True))
        text.append(f"{mark.word}\n", palette.text)
    text.append("\n")
