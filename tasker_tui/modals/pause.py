"""Pause a task, a template or a namespace, or let what is paused go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Input, Static

from engine.model.wire.pauses import Pause
from tasker_tui.actions import bindings
from tasker_tui.pause_targets import PauseTarget
from tasker_tui.text import clock_time, plural, printable
from tasker_tui.themes import Palette
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.painting import palette_for


class PauseDialog(Dialog[str | None]):
    """Answers the reason, which may be empty, or None to leave the target as it is.

    `paused` is the target's own pause: with it the dialog is about resuming.
    """

    SCOPE = "pause"
    BINDINGS = bindings("pause")

    def __init__(self, target: PauseTarget, paused: Pause | None, command: str) -> None:
        super().__init__(f"{'Resume' if paused else 'Pause'} {target.title}")
        self._target, self._paused, self._command = target, paused, command

    def compose_body(self) -> ComposeResult:
        """What it means, the reason."""
        yield Static(id="pause-facts", markup=False)
        yield Input(placeholder="reason, for those who look at it later", compact=True)

    def on_mount(self) -> None:
        """Tell what it means."""
        facts = _facts(self._target, self._paused, self.here(self._command), palette_for(self))
        self.query_one("#pause-facts", Static).update(facts)
        self.query_one(Input).focus()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Send or leave."""
        return {"pause.send": self._send, "pause.close": partial(self.dismiss, None)}

    def on_input_submitted(self) -> None:
        """Enter in the reason sends."""
        self._send()

    def _send(self) -> None:
        self.dismiss(self.query_one(Input).value.strip())


def _facts(target: PauseTarget, paused: Pause | None, command: str, palette: Palette) -> Text:
    text = Text.assemble((f"{target.kind:<9} ", palette.muted), (target.name, palette.strong))
    if target.mark:
        text.append(f"  {target.mark.glyph(False)} {target.mark.word}", palette.tone(target.mark.tone))
    text.append("\n\n")
    if paused:
        since = f"{clock_time(paused.paused_at)} by {printable(paused.paused_by)}"
        text.append(f"Paused since {since}: {printable(paused.reason)}\n", palette.text)
        text.append("Its steps will be claimed again.\n\n", palette.text)
    else:
        text.append(f"{_what_ends(target.running)} it will begin until it is resumed.\n\n", palette.text)
    text.append(f"same as   {command}\n", palette.muted)
    return text


def _what_ends(running: int | None) -> str:
    if running is None:
        return "Steps that run will end; no other step of"
    return f"{plural(running, 'running step')} will end; no other step of" if running else "No other step of"
