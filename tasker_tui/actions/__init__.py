"""The one table of actions: what bindings, hints, help, palette and the command line's twin are made from."""

from __future__ import annotations

from textual.binding import BindingType

from tasker_tui.actions.dialogs import DIALOGS
from tasker_tui.actions.everywhere import EVERYWHERE
from tasker_tui.actions.lists import LISTS
from tasker_tui.actions.model import Action, Focus, Risk, Scope
from tasker_tui.actions.stack import STACK
from tasker_tui.actions.step import STEP
from tasker_tui.actions.task import TASK
from tasker_tui.actions.tasks import TASKS
from tasker_tui.actions.watching import WATCHING

__all__ = ["ACTIONS", "BY_ID", "Action", "Focus", "Risk", "Scope", "bindings", "key_name", "of_scope"]

ACTIONS: tuple[Action, ...] = (*TASKS, *WATCHING, *LISTS, *TASK, *STEP, *DIALOGS, *STACK, *EVERYWHERE)
BY_ID = {action.id: action for action in ACTIONS}


def of_scope(*scopes: Scope) -> list[Action]:
    """The actions of the scopes, in the order of the table."""
    return [action for action in ACTIONS if action.scope in scopes]


def bindings(*scopes: Scope) -> list[BindingType]:
    """The key bindings of the scopes; they call `action_do` of the widget that declares them."""
    return [action.binding for action in of_scope(*scopes)]


_KEY_NAMES = {
    "slash": "/",
    "question_mark": "?",
    "exclamation_mark": "!",
    "colon": ":",
    "plus": "+",
    "minus": "-",
    "inverted_exclamation_mark": "¡",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "equals_sign": "=",
    "comma": ",",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
}


def key_name(key: str) -> str:
    """A key as it is written on the screen: `/`, `esc`, `^d`."""
    return _KEY_NAMES.get(key, key.replace("ctrl+", "^"))
