"""Care for a dead letter without closing it: whose it is, and what was found out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label

from engine.model.wire.dead_letters import DlqInvestigationQueueEntry
from tasker_tui.actions import bindings
from tasker_tui.text import printable, short_id
from tasker_tui.widgets.dialog import Dialog

LONGEST_NOTES = 10_000
LONGEST_NAME = 255


class LetterNotesDialog(Dialog[dict[str, Any] | None]):
    """Answers the fields of `DlqInvestigationUpdate` that are to change, None for none."""

    SCOPE = "letter_notes"
    BINDINGS = bindings("letter_notes")

    def __init__(self, letter: DlqInvestigationQueueEntry) -> None:
        super().__init__(f"Care for {short_id(str(letter.task_uuid))}")
        self._about = printable(letter.task_name or "a task that is no longer kept")
        self._owner = printable(letter.assignee or "")
        # On one line; ⏎ is read as what it stands for.
        self._notes = printable((letter.resolution_notes or "").strip().replace("\t", " "))

    def compose_body(self) -> ComposeResult:
        """Owner and notes."""
        yield Label(self._about, markup=False)
        with Horizontal(classes="labelled"):
            yield Label("owner     ")
            yield Input(
                self._owner, id="letter-owner", placeholder="nobody", max_length=LONGEST_NAME, compact=True
            )
        with Horizontal(classes="labelled"):
            yield Label("notes     ")
            yield Input(
                self._notes, id="letter-notes", placeholder="what was found", max_length=LONGEST_NOTES,
                compact=True,
            )  # fmt: skip

    def on_mount(self) -> None:
        """Begin with the notes."""
        self.query_one("#letter-notes", Input).focus()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Send or leave."""
        return {"letter_notes.send": self._send, "letter_notes.close": partial(self.dismiss, None)}

    def on_input_submitted(self) -> None:
        """Enter in a line sends."""
        self._send()

    def _send(self) -> None:
        fields: dict[str, Any] = {}
        owner = self.query_one("#letter-owner", Input).value.strip()
        notes = self.query_one("#letter-notes", Input).value.strip()
        if owner != self._owner:
            fields["assignee"] = owner or None
        if notes != self._notes:
            fields["resolution_notes"] = notes.replace("⏎", "\n")
        if fields:
            self.dismiss(fields)
        else:
            self.tell("nothing is changed yet")
