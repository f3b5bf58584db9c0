"""What the tabs of a task have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.containers import Vertical
from textual.message import Message

from engine.model.wire.events import TransitionChange
from tasker_tui.services import Services
from tasker_tui.task_view import TaskView


class TaskTab(Vertical):
    """One way to look at a task. The screen says what has changed; `Chosen` says that the cursor moved here.

    Its id is its name, which is also its title and part of the action that shows it.
    """

    NAME: ClassVar[str]
    DEFAULT_CSS = "TaskTab { height: 1fr; }"

    class Chosen(Message):
        """The user has put the cursor on another step."""

        def __init__(self, uuid: str) -> None:
            super().__init__()
            self.uuid = uuid

    class NoteChanged(Message):
        """The tab shows something else now: its note and its height may be others."""

    def __init__(self, services: Services, view: TaskView) -> None:
        super().__init__(id=self.NAME)
        self.services, self.view = services, view
        self.selected: str | None = None
        self.shown = False

    def enter(self) -> None:
        """The tab is shown now: take the focus, and load what only this tab needs."""
        self.shown = True

    def leave(self) -> None:
        """Another tab is shown now."""
        self.shown = False

    def steps_loaded(self, reshaped: bool) -> None:
        """The steps were loaded; `reshaped`: there are others than before, or they depend on others."""

    def states_changed(self) -> None:
        """Steps are in other states."""

    def happened(self, changes: Sequence[TransitionChange]) -> None:
        """Transitions of the task and its steps came in, oldest first."""

    def second_passed(self) -> None:
        """What counts seconds goes on."""

    def select(self, uuid: str) -> None:
        """Put the cursor on a step."""
        self.selected = uuid

    def failed(self) -> None:
        """The task could not be loaded; what there is stays."""

    @property
    def height_limit(self) -> int | None:
        """The lines that the tab needs at most, None if it can use all."""
        return None

    @property
    def note(self) -> str:
        """What the frame's lower edge says of the tab."""
        return ""
