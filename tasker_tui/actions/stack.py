"""The keys of the local stack's screen, of its log, and of the reset's dialog."""

from __future__ import annotations

from tasker_tui.actions.command_lines import on_part, reset_stack
from tasker_tui.actions.model import Action
from tasker_tui.actions.reasons import cannot_order, cannot_reset, cannot_start, cannot_stop


def _in_log(name: str, keys: str, text: str) -> Action:
    return Action(f"log.{name}", name, tuple(keys.split()), "log", text)


STACK: tuple[Action, ...] = (
    Action("stack.start", "up", ("u",), "stack", "Start the process that was stopped", "changes", hint=True,
           disabled_reason=cannot_start, cli_equivalent=on_part("start")),
    Action("stack.stop", "down", ("d",), "stack", "Let it finish what it runs, and leave it stopped",
           "changes", hint=True, disabled_reason=cannot_stop, cli_equivalent=on_part("stop")),
    Action("stack.restart", "restart", ("r",), "stack", "Let it finish what it runs, and start it again",
           "changes", hint=True, disabled_reason=cannot_order, cli_equivalent=on_part("restart")),
    Action("stack.reset", "reset", ("R",), "stack", "Throw the database away and begin with an empty one",
           "destroys", hint=True, disabled_reason=cannot_reset, cli_equivalent=reset_stack),
    Action("stack.search", "search", ("slash",), "stack", "Find a text in the log", hint=True),
    Action("stack.next", "next", ("n",), "stack", "To the next line with the text"),
    Action("stack.before", "before", ("N",), "stack", "To the line with the text before"),
    Action("stack.follow", "follow", ("F",), "stack", "Stay at the end of the log, or no longer", hint=True),
    Action("stack.wrap", "wrap", ("W",), "stack", "Break the log's long lines, or cut them"),
    Action("stack.log", "log", ("1",), "stack", "Show the log, where there is no room for both"),
    Action("stack.checks", "checks", ("2",), "stack", "Show what was checked and the last edit", hint=True),
    Action("stack.back", "back", ("escape", "backspace"), "stack", "Back to the list", hint=True),
    _in_log("down", "j down", "Next line"),
    _in_log("up", "k up", "Line before"),
    _in_log("page_down", "ctrl+d pagedown", "A page down"),
    _in_log("page_up", "ctrl+u pageup", "A page up"),
    _in_log("first", "g home", "To the oldest line"),
    _in_log("last", "G end", "To the newest line, and stay there"),
    Action("reset.send", "reset it", ("ctrl+s",), "reset", "Throw the database away", "destroys", hint=True),
    Action("reset.close", "keep it", ("escape",), "reset", "Close without a change", hint=True),
)  # fmt: skip
