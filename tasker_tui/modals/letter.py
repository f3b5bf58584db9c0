"""Close a dead letter: choose what becomes of its task, and say why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label, RadioSet

from engine.model.wire.dead_letters import DlqAction, DlqInvestigationQueueEntry
from tasker_tui.actions import bindings
from tasker_tui.modals.letter_notes import LONGEST_NOTES
from tasker_tui.text import printable, short_id
from tasker_tui.widgets.choice import ChoiceButton
from tasker_tui.widgets.dialog import Dialog

CHOICES = {
    DlqAction.RETRY: "retry: its failed steps run again, and it goes on",
    DlqAction.RESOLVE: "resolve: it ends as resolved by hand",
    DlqAction.FAIL: "fail: it ends in error",
    DlqAction.CANCEL: "cancel: it ends as cancelled",
}


@dataclass(frozen=True, slots=True)
class LetterAnswer:
    """What becomes of the task, and why."""

    action: DlqAction
    notes: str


class LetterDialog(Dialog[LetterAnswer | None]):
    """Answers what to do, None to leave the dead letter open."""

    SCOPE = "letter"
    BINDINGS = bindings("letter")

    def __init__(self, letter: DlqInvestigationQueueEntry) -> None:
        super().__init__(f"Close {short_id(str(letter.task_uuid))}")
        self._letter = letter

    def compose_body(self) -> ComposeResult:
        """The choices and the notes."""
        yield Label(printable(self._letter.task_name or "a task that is no longer kept"), markup=False)
        with RadioSet(id="letter-action", compact=True, classes="choices"):
            for action, words in CHOICES.items():
                yield ChoiceButton(words, value=action is DlqAction.RETRY, compact=True)
        with Horizontal(classes="labelled"):
            yield Label("notes     ")
            more = "added to the notes" if self._letter.resolution_notes else "kept with the dead letter"
            yield Input(id="letter-notes", placeholder=more, max_length=LONGEST_NOTES, compact=True)

    def on_mount(self) -> None:
        """Begin with the choices."""
        self.query_one(RadioSet).focus()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Send or leave."""
        return {"letter.send": self._send, "letter.leave": partial(self.dismiss, None)}

    def on_input_submitted(self) -> None:
        """Enter in the notes sends."""
        self._send()

    def _send(self) -> None:
        action = list(CHOICES)[self.query_one(RadioSet).pressed_index]
        self.dismiss(LetterAnswer(action, self.query_one(Input).value.strip()))
