"""What an action is, and what it looks at to know whether it can be done now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from textual.binding import Binding

from tasker_tui.locator import Locator
from tasker_tui.view_models import StepRow, TaskRow

if TYPE_CHECKING:  # each takes its time to import
    from engine.model.wire.bulk import BulkOperation
    from engine.model.wire.comparison import GridRun
    from engine.model.wire.dead_letters import DlqInvestigationQueueEntry
    from engine.model.wire.failures import FailureGroup
    from tasker_tui.dev.report import Part
    from tasker_tui.pause_targets import PauseTarget

Scope = str
"""Where a key does something: the name of a screen, a dialog or a widget; `app` is everywhere."""
Risk = Literal["safe", "changes", "destroys"]


@dataclass(frozen=True, slots=True)
class Focus:
    """What an action would act on, as the screen is now."""

    connected: bool = True
    read_only: str = ""
    """Why nothing can be changed here; empty if it can."""
    task: TaskRow | None = None
    step: StepRow | None = None
    group: FailureGroup | None = None
    letter: DlqInvestigationQueueEntry | None = None
    run: GridRun | None = None
    pausing: PauseTarget | None = None
    """The template or namespace that can be paused."""
    bulk: BulkOperation | None = None
    place: Locator | None = None
    """Where the selected line leads."""
    no_pair: str = ""
    """Why no two runs can be compared; empty if they can."""
    failed_steps: int = 0
    filtered: bool = False
    over: bool = False
    """Whether the list lies over other screens, to which it leads back."""
    sorted: bool = False
    """Whether a column sorts the list."""
    marked: int = 0
    """How many rows are marked: then they are acted on, not the selected one."""
    part: Part | None = None
    """The process of the local stack."""
    stack_busy: str = ""
    """What is being done to the whole stack."""
    retry_in: float | None = None
    """Seconds until the selected step retries by itself."""


Reason = Callable[[Focus], str | None]


def always(focus: Focus) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a key does.

    `disabled_reason` says why it cannot be done now, None if it can; `cli_equivalent` the command line that
    does the same. `hint` puts it on the hints line.
    """

    id: str
    title: str
    keys: tuple[str, ...]
    scope: Scope
    help: str
    risk: Risk = "safe"
    hint: bool = False
    disabled_reason: Reason = always
    cli_equivalent: Callable[[Focus], str | None] = always

    def why_not(self, focus: Focus) -> str | None:
        """Why it cannot be done now; what changes something is not done in a read-only profile."""
        if focus.read_only and self.risk != "safe":
            return focus.read_only
        return self.disabled_reason(focus)

    @property
    def binding(self) -> Binding:
        """The key binding; its id is what a user's keymap names."""
        return Binding(",".join(self.keys), f"do('{self.id}')", self.title, show=False, id=self.id)
