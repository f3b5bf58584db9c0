"""An equal task exists: open that one, or start another one anyway."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal

from textual.app import ComposeResult
from textual.widgets import Label

from engine.model.wire.tasks import TaskResponse
from tasker_tui.actions import bindings
from tasker_tui.states import TASK_MARKS
from tasker_tui.text import printable, short_id
from tasker_tui.widgets.dialog import Dialog

Choice = Literal["open", "start"]


class DuplicateDialog(Dialog[Choice | None]):
    """Answers what to do about the task that exists, None to go back to the form."""

    SCOPE = "duplicate"
    BINDINGS = bindings("duplicate")

    def __init__(self, existing: TaskResponse) -> None:
        super().__init__("An equal task exists")
        self._existing = existing

    def compose_body(self) -> ComposeResult:
        """Which task it is, and how it stands."""
        task = self._existing
        state = TASK_MARKS[task.status].word
        began = f"{task.created_at:%Y-%m-%d %H:%M:%S} UTC by {printable(task.initiator)}"
        yield Label(
            f"{short_id(str(task.task_uuid))} of {printable(task.name)} is {state}.\nIt was started {began}.",
            markup=False,
        )

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Open it, start another one, or neither."""
        return {
            "duplicate.open": partial(self.dismiss, "open"),
            "duplicate.start": partial(self.dismiss, "start"),
            "duplicate.close": partial(self.dismiss, None),
        }
