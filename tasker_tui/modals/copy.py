"""The letters after `y`, with what each of them copies."""

from __future__ import annotations

from typing import ClassVar, Literal

from rich.text import Text
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

from tasker_tui.actions import Scope, bindings, key_name, of_scope
from tasker_tui.copying import Copyable
from tasker_tui.keymap import keys_of
from tasker_tui.text import printable
from tasker_tui.widgets.painting import palette_for

What = Literal["id", "locator", "command", "json"]


class CopyChooser(ModalScreen[What | None]):
    """Answers what to copy, None for nothing."""

    SCOPE: ClassVar[Scope] = "copy"
    BINDINGS = bindings("copy")
    DEFAULT_CSS = """
    CopyChooser Static {
        height: 4; margin-bottom: 1; padding: 0 1; background: $surface;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self, what: Copyable) -> None:
        super().__init__()
        self._what = what

    def compose(self) -> ComposeResult:
        """A line a letter."""
        yield Static(id="copy-lines", markup=False)

    def on_mount(self) -> None:
        """Show what there is."""
        palette, shown = palette_for(self), self._shown()
        text = Text()
        for action in of_scope("copy"):
            name = action.id.partition(".")[2]
            if name in shown:
                there = shown[name]
                text.append(f"{key_name(keys_of(self.app, action)[0])} ", palette.strong + palette.accent)
                text.append(f"{action.title:<13}", palette.text if there else palette.faint)
                text.append(f"{printable(there or 'nothing is selected')}\n", palette.muted)
        self.query_one("#copy-lines", Static).update(text)

    def action_do(self, action_id: str) -> None:
        """Copy, if there is something."""
        name = action_id.partition(".")[2]
        if name == "close":
            self.dismiss(None)
        for what in ("id", "locator", "command", "json"):
            if name == what:
                self._choose(what)

    def _choose(self, what: What) -> None:
        if self._shown()[what]:
            self.dismiss(what)
        else:
            self.notify("there is nothing of this to copy here", severity="warning", markup=False)

    def _shown(self) -> dict[str, str | None]:
        what = self._what
        as_json = "what the server answers about it" if what.has_json else None
        return {"id": what.id, "locator": what.locator, "command": what.command, "json": as_json}
