"""The command log: what was changed from here, the newest first, as command lines to copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tasker_tui.actions import bindings
from tasker_tui.command_log import CommandLog, LogEntry
from tasker_tui.text import clock_time
from tasker_tui.themes import Palette
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.painting import palette_for


class CommandLogDialog(Dialog[None]):
    """Lists what the log holds; a line can be copied."""

    SCOPE = "commands"
    BINDINGS = bindings("commands")
    CSS = """
    CommandLogDialog #dialog { width: 116; }
    CommandLogDialog OptionList { height: auto; max-height: 24; background: $surface; border: none; }
    """

    def __init__(self, log: CommandLog) -> None:
        super().__init__("Command log")
        self._log = log
        self._shown = list(reversed(log.entries))

    def compose_body(self) -> ComposeResult:
        """The lines, and where they are kept."""
        yield OptionList(id="log-list", markup=False, compact=True)
        yield Static(id="log-place", markup=False)

    def on_mount(self) -> None:
        """Write everything down."""
        palette, options = palette_for(self), self.query_one(OptionList)
        options.add_options(Option(_line(entry, palette)) for entry in self._shown)
        options.display = bool(self._shown)
        if self._shown:
            options.highlighted = 0
            options.focus()
        nothing = "" if self._shown else "Nothing was changed from here yet.\n"
        kept = self._log.trouble or (f"also in {self._log.path}" if self._log.path else "")
        self.query_one("#log-place", Static).update(Text(f"\n{nothing}{kept}", palette.muted))

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Copy or close."""
        return {"commands.copy": self._copy, "commands.close": partial(self.dismiss, None)}

    def on_option_list_option_selected(self) -> None:
        """Enter, or a click."""
        self._copy()

    def _copy(self) -> None:
        highlighted = self.query_one(OptionList).highlighted
        if highlighted is not None:
            command = self._shown[highlighted].command
            self.app.copy_to_clipboard(command)
            self.notify(f"copied: {command}", markup=False)


def _line(entry: LogEntry, palette: Palette) -> Text:
    """Two lines where the change was refused."""
    line = Text.assemble((f"{clock_time(entry.at)}  ", palette.muted), no_wrap=True, overflow="ellipsis")
    line.append("✓ " if entry.done else "✗ ", palette.tone("ok" if entry.done else "failed", bold=True))
    line.append(entry.command, palette.text)
    if not entry.done:
        line.append(f"\n            {entry.outcome}", palette.tone("failed"))
    return line
