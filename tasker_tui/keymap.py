"""The keys of the user's own file: which keys do an action, by its id."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from textual.keys import KEY_NAME_REPLACEMENTS, Keys, _character_to_key

from tasker_tui.actions import ACTIONS, BY_ID, Action, key_name
from tasker_tui.actions.together import heard_with
from tasker_tui.toml_lines import ConfigError, ConfigErrors, Document, Names

if TYPE_CHECKING:
    from textual.app import App

    from tasker_tui.app import TaskerApp

Keymap = Mapping[str, tuple[str, ...]]
"""Keys by action id, as Textual names them; what is not in it keeps the keys of the table."""

MODIFIERS = {"ctrl", "shift", "alt", "super", "hyper", "meta"}
NAMED = {key.value for key in Keys}
MOST_NAMED = 3


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
    """The section `keys`. Raises ConfigErrors: unknown actions and keys, keys that do two things."""
    found: dict[str, tuple[str, ...]] = {}
    wrong: list[ConfigError] = []
    for path, value in _leaves(document, ("keys",)):
        try:
            found[".".join(path[1:])] = _read_entry(document, path, value)
        except ConfigError as error:
            wrong.append(error)
    wrong += _conflicts(document, found)
    if wrong:
        raise ConfigErrors(wrong)
    return found


def _read_entry(document: Document, path: Names, value: Any) -> tuple[str, ...]:
    """The keys of one action. Raises ConfigError."""
    name = ".".join(path[1:])
    document.refuse_unknown(path, BY_ID, name)
    texts = [value] if isinstance(value, str) else value
    if not (isinstance(texts, list) and texts and all(isinstance(text, str) for text in texts)):
        raise document.error(path, f"the keys of {name} must be a text or a list of texts", '["r", "f5"]')
    return tuple(_read_key(document, path, text) for text in texts)


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


def _conflicts(document: Document, keymap: Keymap) -> Iterator[ConfigError]:
    """What a key of the file does besides, where its action is; of two in the file, the later one is told."""
    later = set(keymap)
    for name, keys in keymap.items():
        action, together = BY_ID[name], heard_with(BY_ID[name].scope)
        others = [other for other in ACTIONS if other.scope in together and other.id not in later]
        later.remove(name)
        for key in keys:
            same = [other for other in others if _collide(keymap, key, action, other)]
            if same:
                hint = f"give {same[0].id} another key too"
                yield document.error(_path_of(document, name), _does_both(key, [*same, action]), hint)


def _collide(keymap: Keymap, key: str, action: Action, other: Action) -> bool:
    """Whether the other one has the key as well; what they share in the table is meant so."""
    return key in keymap.get(other.id, other.keys) and not (key in other.keys and key in action.keys)


def _does_both(key: str, actions: Sequence[Action]) -> str:
    *others, last = (f"{action.id} ({action.title})" for action in actions)
    more = f" and {len(others) - MOST_NAMED} more," if len(others) > MOST_NAMED else ""
    things = "two things" if len(actions) == 2 else f"{len(actions)} things"
    return f"{key_name(key)} does {things}: {', '.join(others[:MOST_NAMED])}{more} and {last}"


def _path_of(document: Document, name: str) -> Names:
    return next(path for path, _ in _leaves(document, ("keys",)) if ".".join(path[1:]) == name)
