"""Care for a group of failures: whose it is, how far it is, and what was found out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label, RadioSet

from engine.model.wire.failures import FailureGroup, TriageState
from tasker_tui.actions import bindings
from tasker_tui.text import plural, printable
from tasker_tui.widgets.choice import ChoiceButton
from tasker_tui.widgets.dialog import Dialog

WORDS = {
    TriageState.NEW: "new: nobody has looked at it",
    TriageState.TRIAGED: "triaged: its cause is known",
    TriageState.FIXING: "fixing: somebody works on it",
    TriageState.FIXED: "fixed: it should not come back",
    TriageState.IGNORED: "ignored: it may stay as it is",
}
LONGEST_NOTE = 2_000
LONGEST_NAME = 255


class TriageDialog(Dialog[dict[str, Any] | None]):
    """Answers the fields of `TriageRequest` that are to change, None for none. `first` begins there.

    Who assigns a group that nobody has finds their own name in the owner's line.
    """

    SCOPE = "triage"
    BINDINGS = bindings("triage")

    def __init__(self, group: FailureGroup, user: str, first: Literal["owner", "note"]) -> None:
        super().__init__(f"{plural(group.failed_steps, 'failed step')}")
        self._group, self._user, self._first = group, user, first

    def compose_body(self) -> ComposeResult:
        """Owner, state, note."""
        triage = self._group.triage
        owner = triage.owner or (self._user if self._first == "owner" else "")
        yield Label(printable(self._group.signature), markup=False)
        with Horizontal(classes="labelled"):
            yield Label("owner     ")
            yield Input(owner, id="triage-owner", placeholder="nobody", max_length=LONGEST_NAME, compact=True)
        with Horizontal(classes="labelled"):
            yield Label("note      ")
            yield Input(id="triage-note", placeholder="what was found", max_length=LONGEST_NOTE, compact=True)
        with RadioSet(id="triage-state", compact=True, classes="choices"):
            for state, words in WORDS.items():
                yield ChoiceButton(words, value=state is triage.state, compact=True)

    def on_mount(self) -> None:
        """Begin where the key leads."""
        self.query_one(f"#triage-{self._first}", Input).focus()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Send or leave."""
        return {"triage.send": self._send, "triage.close": partial(self.dismiss, None)}

    def on_input_submitted(self) -> None:
        """Enter in a line sends."""
        self._send()

    def _send(self) -> None:
        triage, fields = self._group.triage, {}
        owner = self.query_one("#triage-owner", Input).value.strip() or None
        note = self.query_one("#triage-note", Input).value.strip()
        state = list(WORDS)[self.query_one(RadioSet).pressed_index]
        if owner != triage.owner:
            fields["owner"] = owner
        if state is not triage.state:
            fields["state"] = str(state)
        if note:
            fields["note"] = note
        if fields:
            self.dismiss(fields)
        else:
            self.tell("nothing is changed yet")
