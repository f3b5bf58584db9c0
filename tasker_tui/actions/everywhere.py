"""The keys that mean the same on every screen, and those of the widgets."""

from __future__ import annotations

from tasker_tui.actions.model import Action, Scope


def _move(scope: Scope, name: str, keys: str, text: str) -> Action:
    return Action(f"{scope}.{name}", name, tuple(keys.split()), scope, text)


_OPTION_DIGITS = (
    "inverted_exclamation_mark", "trade_mark_sign", "pound_sign", "cent_sign", "infinity", "section_sign",
    "pilcrow_sign", "bullet", "ª",
)  # fmt: skip
"""What Textual takes escape and a digit for, as terminals send alt and a digit that have no other way."""


def _tab_keys(number: int) -> tuple[str, str]:
    return f"alt+{number}", _OPTION_DIGITS[number - 1]


EVERYWHERE: tuple[Action, ...] = (
    Action("app.go_pulse", "pulse", ("0",), "app", "How the whole system does, and what needs you first"),
    Action("app.go_failures", "failures", ("e",), "app",
           "What failed, grouped by what the errors have in common"),
    Action("app.go_templates", "templates", ("t",), "app", "What can be started, and how it does"),
    Action("app.go_events", "events", ("E",), "app", "What happens everywhere, as it happens"),
    Action("app.go_queues", "queues", ("Q",), "app", "What waits for workers, and who takes it"),
    Action("app.go_letters", "dead letters", ("D",), "app", "Tasks that need somebody, most urgent first"),
    Action("app.go_bulk", "bulk operations", ("B",), "app",
           "What was done to many at once; stop it, let it go on"),
    Action("app.go_stack", "stack", ("S",), "app", "The processes of tasker dev, their logs, what is wrong"),
    Action("app.help", "help", ("question_mark", "f1"), "app", "The keys of this screen", hint=True),
    Action("app.command", "commands", ("colon",), "app",
           "A line for places and actions: :task ID, :start NAME", hint=True),
    Action("app.back_in_history", "view before", ("left_square_bracket", "minus"), "app",
           "To the place that was shown before this one"),
    Action("app.forward_in_history", "view after", ("right_square_bracket",), "app", "And forth again"),
    Action("app.reload", "load again", ("ctrl+r",), "app", "Ask the server again for all that is shown"),
    Action("app.tab", "tab", ("ctrl+t",), "app", "Another tab, with a way and filters of its own"),
    Action("app.close", "close", ("ctrl+w",), "app", "Close this tab"),
    Action("app.show_tab_1", "tab 1", _tab_keys(1), "app", "To the first tab; alt+2 to alt+9 to the others"),
    *(Action(f"app.show_tab_{n}", f"tab {n}", _tab_keys(n), "tabs", f"To tab {n}") for n in range(2, 10)),
    Action("app.jump", "jump", ("f",), "app", "A letter over every row and pane leads there"),
    Action("app.copy", "copy", ("y",), "app",
           "Copy the id (i), place (l), command line (c) or JSON (j)"),
    Action("app.palette", "palette", ("ctrl+p",), "app", "All commands and places, by name"),
    Action("app.log", "command log", ("ctrl+l",), "app", "What was changed here, as command lines"),
    Action("app.profile", "profile", ("P",), "app", "Work with another server"),
    Action("app.theme", "theme", ("T",), "app", "Choose the colours"),
    Action("app.quit", "quit", ("q", "ctrl+c"), "app", "Leave; tasks go on running", hint=True),
    _move("list", "down", "j down", "Next row"),
    _move("list", "up", "k up", "Row before"),
    _move("list", "page_down", "ctrl+d pagedown", "A page down"),
    _move("list", "page_up", "ctrl+u pageup", "A page up"),
    _move("list", "first", "g home", "To the first"),
    _move("list", "last", "G end", "To the last"),
    Action("line.complete", "complete", ("tab",), "line", "Take what is shown dimmed"),
    Action("line.stay", "stay", ("shift+tab",), "line", "Stay in the line"),
    _move("graph", "right", "l right", "To the nearest step that waits for this one"),
    _move("graph", "left", "h left", "To the nearest step that this one waits for"),
    _move("graph", "down", "j down", "Down in the layer"),
    _move("graph", "up", "k up", "Up in the layer"),
    _move("graph", "first", "g home", "To the first step"),
    _move("graph", "last", "G end", "To the last step"),
    Action("graph.unfold", "unfold", ("plus", "equals_sign"), "graph", "Show the steps behind a folded one"),
    Action("graph.fold", "fold", ("minus",), "graph", "Show this step and all that are like it as one"),
    Action("graph.focus", "focus", ("F",), "graph", "Only what is around this step: 1, 2, 3 levels; all"),
    Action("graph.critical", "critical path", ("x",), "graph", "The steps that decided when the task ended"),
    Action("gantt.zoom_in", "zoom in", ("plus", "equals_sign"), "gantt", "Show less time, finer"),
    Action("gantt.zoom_out", "zoom out", ("minus",), "gantt", "Show more time"),
    Action("gantt.earlier", "earlier", ("h", "left"), "gantt", "Show what was earlier"),
    Action("gantt.later", "later", ("l", "right"), "gantt", "Show what was later"),
)  # fmt: skip
