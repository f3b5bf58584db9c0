"""The keys of the screens that show the whole system."""

from __future__ import annotations

from tasker_tui.actions.model import Action
from tasker_tui.actions.reasons import needs_place

WATCHING: tuple[Action, ...] = (
    Action("pulse.open", "open", ("enter",), "pulse", "Go where the line is dealt with", hint=True,
           disabled_reason=needs_place),
    Action("pulse.back", "back", ("escape", "backspace"), "pulse", "Back to the list", hint=True),
)  # fmt: skip
