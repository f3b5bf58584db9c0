"""The keys of the user's own file: which keys do an action, by its id."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from textual.keys import KEY_NAME_REPLACEMENTS, Keys, _character_to_key

from tasker_tui.actions import ACTIONS, BY_ID, Action, key_name
from tasker_tui.toml_lines import Document, Names

if TYPE_CHECKING:
    from textual.app import App

    from tasker_tui.app import TaskerApp

Keymap = Mapping[str, tuple[str, ...]]
"""Keys by action id, as Textual names them; what is not in it keeps the keys of the table."""

MODIFIERS = {"ctrl", "shift", "alt", "super", "hyper", "meta"}
NAMED = {key.value for key in Keys}


def keys_of(app: App[Any], action: Action) -> tuple[str, ...]:
    """The keys that do an action in the running dashboard."""
    return cast("TaskerApp", app).keymap.get(action.id, action.keys)


def with_keys(app: App[Any], text: str) -> str:
    """Prose with the keys that do something in the running dashboard: `{tasks.filter} changes it`."""

    def key(found: re.Match[str]) -> str:
        action = BY_ID.get(found[1])
        return key_name(keys_of(app, action)[0]) if action else found[0]

    return re.sub(r"\{([a-z_0-9]+\.[a-z_0-9]+)\}", key, text)


def read_keys(document: Document) -> Keymap:
    """The section `keys`. Raises ConfigError: for an unknown action or key, a key that does two things."""
    found: dict[str, tuple[str, ...]] = {}
    for path, value in _leaves(document, ("keys",)):
        name = ".".join(path[1:])
        document.refuse_unknown(path, BY_ID, name)
        texts = [value] if isinstance(value, str) else value
        if not (isinstance(texts, list) and texts and all(isinstance(text, str) for text in texts)):
            raise document.error(path, f"the keys of {name} must be a text or a list of texts", '["r", "f5"]')
        found[name] = tuple(_read_key(document, path, text) for text in texts)
    _refuse_conflicts(document, found)
    return found


def _leaves(document: Document, path: Names) -> Iterator[tuple[Names, Any]]:
    for name, value in document.table(path).items():
        if isinstance(value, dict):
            yield from _leaves(document, (*path, name))
        else:
            yield (*path, name), value


def _read_key(document: Document, path: Names, text: str) -> str:
    """The key as Textual names it: `/` is `slash`. Raises ConfigError."""
    *modifiers, key = text.split("+") if len(text) > 1 and not text.endswith("+") else [text]
    if len(key) == 1 and key.isprintable() and key != " ":
        key, known = _character_to_key(key), True
    else:
        known = key in NAMED or _is_character(key)
    if not known or not MODIFIERS.issuperset(modifiers):
        raise document.error(
            path, f"there is no key {text!r}", "such as r, R, /, f5, ctrl+r, shift+tab, enter"
        )
    return "+".join([*modifiers, key])


def _is_character(name: str) -> bool:
    try:
        unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return name in KEY_NAME_REPLACEMENTS.values()
    return True


def _refuse_conflicts(document: Document, keymap: Keymap) -> None:
    taken: dict[tuple[str, str], Action] = {}
    # Those of the file come last, so that the message is about their lines.
    for action in sorted(ACTIONS, key=lambda one: one.id in keymap):
        for key in keymap.get(action.id, action.keys):
            other = taken.setdefault((action.scope, key), action)
            if other is not action:
                both = f"{other.id} ({other.title}) and {action.id} ({action.title})"
                path, hint = _path_of(document, action.id), f"give {other.id} another key too"
                raise document.error(path, f"{key_name(key)} does two things: {both}", hint)


def _path_of(document: Document, name: str) -> Names:
    return next(path for path, _ in _leaves(document, ("keys",)) if ".".join(path[1:]) == name)
