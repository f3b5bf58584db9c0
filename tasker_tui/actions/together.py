"""Which keys hold on one screen together."""

from __future__ import annotations

from tasker_tui.actions.model import Scope

WIDGETS: frozenset[Scope] = frozenset({"list", "graph", "gantt", "json", "log"})
"""Only one of them hears a key: the one that has the focus."""
EVERYWHERE: tuple[Scope, ...] = ("app", "tabs")
ALSO_SCOPES: dict[Scope, tuple[Scope, ...]] = {
    **dict.fromkeys(("tasks", "pulse", "events"), ("list",)),
    **dict.fromkeys(
        ("failures", "queues", "workers", "worker", "templates", "letters", "runs", "operations"),
        ("rows", "list"),
    ),
    "task": ("graph", "gantt", "list"),
    "step": ("list", "json"),
    "template": ("graph", "list"),
    "stack": ("log", "list"),
    "compare": (),
}
"""By screen, whose keys it has besides its own: a base class's, and its widgets'."""


def of_screen(*scopes: Scope) -> tuple[Scope, ...]:
    """The scopes that a screen with these has keys of, as its help tells them."""
    return (*scopes, *(also for scope in scopes for also in ALSO_SCOPES[scope]), "app")


def heard_with(scope: Scope) -> set[Scope]:
    """The scopes that may hear a key which is pressed where this one does; a dialog hears it alone."""
    screens = ((screen, *also, *EVERYWHERE) for screen, also in ALSO_SCOPES.items())
    found = {other for here in screens if scope in here for other in here}
    return {scope} | (found - WIDGETS if scope in WIDGETS else found)
