"""The filter of the event tail: `state:error template:orders step:charge task:1f3a !retry text`.

A word with `!` before it leaves out what it fits; several words all have to fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from engine.model.wire.events import TransitionChange
from tasker_tui.states import STEP_MARKS, TASK_MARKS, Mark

KEYS = ("task", "template", "state", "step", "actor")


class EventFilterError(ValueError):
    """A filter that cannot be read; the message says which word and what would be right."""


Test = Callable[[TransitionChange, str], bool]
"""Gets a change, and its template as `namespace/name`, '' if that is not known."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What the tail is narrowed to; `text` is as it was typed."""

    text: str = ""
    tests: tuple[Test, ...] = ()
    asks_template: bool = False
    """Whether an event can fit as soon as its template is known."""

    def fits(self, change: TransitionChange, template: str) -> bool:
        """Whether an event is to be shown."""
        return all(test(change, template) for test in self.tests)


def parse_event_filter(text: str) -> EventFilter:
    """Read a filter. Raises EventFilterError."""
    words = text.split()
    tests = tuple(_inverse(_test(word[1:])) if word.startswith("!") else _test(word) for word in words)
    asks = any(word.lstrip("!").startswith("template:") or ":" not in word for word in words)
    return EventFilter(" ".join(words), tests, asks)


def _inverse(test: Test) -> Test:
    return lambda change, template: not test(change, template)


def _test(word: str) -> Test:
    key, colon, value = word.partition(":")
    wanted = value.lower()
    if not colon:
        text = word.lower()
        return lambda change, template: any(text in part.lower() for part in _texts(change, template))
    if key not in KEYS:
        near = get_close_matches(key, KEYS, n=1)
        raise EventFilterError(f"there is no {key}: — " + (f"did you mean {near[0]}:?" if near else _known()))
    if not value:
        raise EventFilterError(f"{key}: needs a value")
    if key == "state":
        states = frozenset(state for one in wanted.split(",") if one for state in _states(one))
        return lambda change, template: not states.isdisjoint(change.path)
    if key == "task":
        return lambda change, template: wanted in str(change.task_uuid)
    if key == "template":
        return lambda change, template: wanted in template.lower()
    if key == "step":
        return lambda change, template: wanted in (change.step_name or "").lower()
    return lambda change, template: wanted in (change.actor or "").lower()


def _known() -> str:
    return f"known are {', '.join(f'{key}:' for key in KEYS)} and any text"


def _texts(change: TransitionChange, template: str) -> Iterator[str]:
    yield from (template, str(change.task_uuid), *change.path)
    yield from (part for part in (change.step_name, change.actor, change.reason) if part)


def _states(word: str) -> list[str]:
    """The states of a name, or of the word that the screens have for them."""
    marks: list[tuple[str, Mark]] = [*STEP_MARKS.items(), *TASK_MARKS.items()]
    found = [str(state) for state, mark in marks if word in (state, mark.word)]
    if found:
        return found
    names = sorted({name for state, mark in marks for name in (str(state), mark.word)})
    near = get_close_matches(word, names, n=1)
    raise EventFilterError(
        f"there is no state {word} — {f'did you mean {near[0]}?' if near else 'error is one'}"
    )
