"""Care for a group of failures: whose it is, how far it is, and what was found out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypeVar

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
T = TypeVar("T")
LONGEST_NOTE = 2_000
LONGEST_NAME = 255
SHOWN_GROUPS = 3


class TriageDialog(Dialog[dict[str, Any] | None]):
    """Answers the fields of `TriageRequest` that are to change, None for none. `first` begins there.

    Of several groups it shows what they have in common; what is not touched stays with each as it is.
    Who assigns a group that nobody has finds their own name in the owner's line.
    """

    SCOPE = "triage"
    BINDINGS = bindings("triage")

    def __init__(self, groups: Sequence[FailureGroup], user: str, first: Literal["owner", "note"]) -> None:
        several = f" in {plural(len(groups), 'group')}" if len(groups) > 1 else ""
        super().__init__(f"{plural(sum(group.failed_steps for group in groups), 'failed step')}{several}")
        self._groups, self._user, self._first = groups, user, first
        self._owner = _common([group.triage.owner for group in groups])
        self._state = _common([group.triage.state for group in groups])

    def compose_body(self) -> ComposeResult:
        """Owner, state, note."""
        owner = self._owner or (self._user if self._first == "owner" else "")
        for group in self._groups[:SHOWN_GROUPS]:
            yield Label(printable(group.signature), markup=False)
        if (more := len(self._groups) - SHOWN_GROUPS) > 0:
            yield Label(f"and {more} more")
        with Horizontal(classes="labelled"):
            yield Label("owner     ")
            yield Input(owner, id="triage-owner", placeholder="nobody", max_length=LONGEST_NAME, compact=True)
        with Horizontal(classes="labelled"):
            yield Label("note      ")
            yield Input(id="triage-note", placeholder="what was found", max_length=LONGEST_NOTE, compact=True)
        with RadioSet(id="triage-state", compact=True, classes="choices"):
            for state, words in WORDS.items():
                yield ChoiceButton(words, value=state is self._state, compact=True)

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
        fields: dict[str, Any] = {}
        owner = self.query_one("#triage-owner", Input).value.strip() or None
        note = self.query_one("#triage-note", Input).value.strip()
        pressed = self.query_one(RadioSet).pressed_index
        state = list(WORDS)[pressed] if pressed >= 0 else None
        if owner != self._owner:
            fields["owner"] = owner
        if state is not None and state is not self._state:
            fields["state"] = str(state)
        if note:
            fields["note"] = note
        if fields:
            self.dismiss(fields)
        else:
            self.tell("nothing is changed yet")


def _common(values: Sequence[T]) -> T | None:
    """What all are; None where they differ."""
    return values[0] if all(value == values[0] for value in values) else None
