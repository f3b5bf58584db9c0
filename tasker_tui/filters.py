"""The filter of the task list: typed `key:value` words, the rest is searched in names and ids.

state:error,waiting template:order_fulfillment since:2h broken parcel
why:no-worker,paused
sig:"unknown: bank # refused"

All of it is searched by the server, in all tasks: what it cannot search is refused here, never applied to the
loaded rows alone. `!state:` leaves states out; `@NAME` stands for a filter that was saved under a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from engine.model.states import TASK_TERMINAL, TaskState
from engine.model.whys import WHY_FILTERS
from tasker_tui.states import FAILING_TASKS, TASK_MARKS
from tasker_tui.text import near
from tasker_tui.view_models import TaskRow

_WORD = re.compile(r'(?P<key>[A-Za-z_]+):"(?P<quoted>(?:[^"]|"")*)"|"(?P<phrase>[^"]*)"|(?P<plain>\S+)')
_SAVED = re.compile(r'"[^"]*"|(?P<before>^|\s)@(?P<name>\S+)')
"""The name of a saved filter, or what is in quotes: there it is no name."""
_NOT_SEARCHED = re.compile(r"[!~].*|/.+/")
_SPAN = re.compile(r"(\d+)([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

STATE_GROUPS: dict[str, tuple[TaskState, ...]] = {
    "failing": FAILING_TASKS,
    "active": tuple(state for state in TaskState if state not in TASK_TERMINAL | set(FAILING_TASKS)),
    "waiting": (TaskState.WAITING_FOR_DEPENDENCIES, TaskState.WAITING_FOR_RETRY),
    "open": tuple(state for state in TaskState if state not in TASK_TERMINAL),
    "finished": tuple(state for state in TaskState if state in TASK_TERMINAL),
}
"""Words for several states at once."""

Moment = timedelta | datetime
"""A time as it was typed: how long ago, or when."""


class FilterError(ValueError):
    """A filter that cannot be read; the message says which word and what would be right."""


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """What the list is narrowed to; empty fields narrow nothing."""

    states: tuple[TaskState, ...] = ()
    why: tuple[str, ...] = ()
    sig: str | None = None
    namespace: str | None = None
    template: str | None = None
    tag: str | None = None
    initiator: str | None = None
    since: Moment | None = None
    until: Moment | None = None
    text: str = ""

    def __bool__(self) -> bool:
        return self != TaskFilter()

    @property
    def asks_of_steps(self) -> bool:
        """Whether it asks what the events of tasks do not tell, since it is of their steps."""
        return bool(self.why or self.sig)


def parse_filter(text: str) -> TaskFilter:
    """Read a filter. Raises FilterError."""
    found, free = TaskFilter(), []
    for word in _WORD.finditer(text):
        plain = word["plain"] or ""
        if _NOT_SEARCHED.fullmatch(plain):
            found = replace(found, states=_other_states(plain))
            continue
        key, value = _key_and_value(word)
        if key is None:
            free.append(value)
        elif value:
            found = _with(found, key, value)
        else:
            raise FilterError(f"{key}: needs a value, such as {key}:{_EXAMPLES[key]}")
    return replace(found, text=" ".join(free))


def expand(text: str, saved: Mapping[str, str]) -> str:
    """The text with saved filters in place of their names: `@failing_orders since:2h`. Raises FilterError."""

    def filter_of(word: re.Match[str]) -> str:
        name = word["name"]
        if name is None:
            return word[0]
        if name not in saved:
            hint = near(name, list(saved)) if saved else ":save NAME saves one"
            raise FilterError(f"there is no saved filter @{name} — {hint}")
        return f"{word['before']}{saved[name]}"

    return _SAVED.sub(filter_of, text)


def format_filter(task_filter: TaskFilter) -> str:
    """The filter as one would type it; `parse_filter` reads it back to an equal one."""
    words = [_written_states(task_filter.states)] if task_filter.states else []
    if task_filter.why:
        words.append(f"why:{','.join(_dashed(kind) for kind in task_filter.why)}")
    for key in ("sig", "namespace", "template", "tag", "initiator"):
        if value := getattr(task_filter, key):
            words.append(f"{key}:{_quoted(value)}")
    for key in ("since", "until"):
        if moment := getattr(task_filter, key):
            words.append(f"{key}:{_format_moment(moment)}")
    if task_filter.text:
        words_of_text = task_filter.text.split()
        quoted = ":" in task_filter.text or task_filter.text != " ".join(words_of_text)
        quoted = quoted or any(word[0] in "!~/@" for word in words_of_text)
        words.append(f'"{task_filter.text}"' if quoted else task_filter.text)
    return " ".join(words)


def of_group(signature: str) -> TaskFilter:
    """What a group of failures counts: the tasks that have not ended, and have a step that failed so."""
    return TaskFilter(states=STATE_GROUPS["open"], sig=signature)


def completion(text: str, names: dict[str, Sequence[str]]) -> str | None:
    """The text with its last word completed, or None: keys, states, and the known `names` for a key."""
    head, _, last = text.rpartition(" ")
    key, colon, value = last.removeprefix("!").partition(":")
    if last.startswith("@"):
        options: Sequence[str] = [f"@{name}" for name in names.get("@", ())]
    elif last.startswith("!") and not colon:
        options = ["!state:"]
    elif not colon:
        options = [f"{name}:" for name in _KEYS]
    else:
        before, comma, value = value.rpartition(",")
        key = _ALIASES.get(key, key)
        prefix = f"{last.partition(':')[0]}:{before}{comma}"
        known = {"state": list(_STATE_WORDS), "why": _WHY_WORDS}
        options = [prefix + name for name in known.get(key) or names.get(key, ())]
    if not last or (colon and not value):
        return None
    best = next((option for option in options if option.startswith(last) and option != last), None)
    return f"{head} {best}".lstrip() if best else None


def begins_key(text: str) -> bool:
    """Whether the last word may become a key: `sta` is then not yet searched for; nor is `@nam`."""
    last = text.rpartition(" ")[2].lower()
    if last in ("!", "@"):
        return True
    return bool(last) and any(key.startswith(last.removeprefix("!")) for key in (*_KEYS, *_ALIASES))


def absolute(moment: Moment | None, now: datetime) -> datetime | None:
    """The moment as a time."""
    return now - moment if isinstance(moment, timedelta) else moment


def _key_and_value(word: re.Match[str]) -> tuple[str | None, str]:
    if word["phrase"] is not None:
        return None, word["phrase"]
    if word["quoted"] is not None:
        return _known_key(word["key"]), word["quoted"].replace('""', '"')
    key, colon, value = word["plain"].partition(":")
    return (_known_key(key), value) if colon else (None, word["plain"])


def _known_key(key: str) -> str:
    name = _ALIASES.get(key.lower(), key.lower())
    if name in _KEYS:
        return name
    near = get_close_matches(name, _KEYS, n=1)
    hint = f"did you mean {near[0]}:?" if near else f"known are {', '.join(f'{k}:' for k in _KEYS)}"
    raise FilterError(f"there is no filter {key}: — {hint}")


def _with(task_filter: TaskFilter, key: str, value: str) -> TaskFilter:
    if key == "state":
        return replace(task_filter, states=_parse_states(value))
    if key == "why":
        return replace(task_filter, why=_parse_why(value))
    if key in ("since", "until"):
        moment: dict[str, Any] = {key: _parse_moment(key, value)}
        return replace(task_filter, **moment)
    words: dict[str, Any] = {key: value}
    return replace(task_filter, **words)


def _parse_states(value: str) -> tuple[TaskState, ...]:
    found: list[TaskState] = []
    for word in filter(None, value.lower().split(",")):
        if word not in _STATE_WORDS:
            near = get_close_matches(word, _STATE_WORDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(_STATE_WORDS)}"
            raise FilterError(f"there is no state {word} — {hint}")
        found += [state for state in _STATE_WORDS[word] if state not in found]
    return tuple(sorted(found, key=list(TaskState).index))


def _parse_why(value: str) -> tuple[str, ...]:
    found = set()
    for word in filter(None, value.lower().replace("_", "-").split(",")):
        if word not in _WHY_WORDS:
            raise FilterError(f"there is no reason {word} to look for — {near(word, _WHY_WORDS)}")
        found.add(word.replace("-", "_"))
    return tuple(kind for kind in WHY_FILTERS if kind in found)


def _quoted(value: str) -> str:
    """In quotes where it needs them; one inside is written twice."""
    if not re.search(r'[\s"]', value):
        return value
    return '"{}"'.format(value.replace('"', '""'))


def _dashed(kind: str) -> str:
    return kind.replace("_", "-")


def _other_states(word: str) -> tuple[TaskState, ...]:
    key, colon, value = word.removeprefix("!").partition(":")
    if not (word.startswith("!") and colon and _ALIASES.get(key.lower(), key.lower()) == "state"):
        raise FilterError(
            f"the server cannot search by {word}: it finds parts of names and ids, and leaves out states "
            f'(!state:complete); in quotes, "{word}" is searched as it is'
        )
    left_out = _parse_states(value)
    others = tuple(state for state in TaskState if state not in left_out)
    if not left_out or not others:
        raise FilterError(f"{word} leaves out {'all states' if left_out else 'none; !state:complete does'}")
    return others


def _written_states(states: tuple[TaskState, ...]) -> str:
    """As the group that they are, else the shorter of what they are and what they leave out."""
    group = next((name for name, group in STATE_GROUPS.items() if set(group) == set(states)), None)
    if group:
        return f"state:{group}"
    others = [state for state in TaskState if state not in states]
    if 0 < len(others) < len(states):
        return f"!state:{','.join(others)}"
    return f"state:{','.join(states)}"


def _parse_moment(key: str, value: str) -> Moment:
    spans = _SPAN.findall(value)
    if spans and "".join(number + unit for number, unit in spans) == value:
        try:
            return sum((timedelta(**{_UNITS[u]: int(n)}) for n, u in spans), timedelta())
        except OverflowError:
            raise FilterError(f"{key}:{value} is too long ago") from None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise FilterError(f"{key}:{value} is no time; write {key}:2h, {key}:3d or {key}:2026-01-31") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.astimezone().astimezone(UTC)


def _format_moment(moment: Moment) -> str:
    if isinstance(moment, datetime):
        return moment.isoformat()
    seconds = int(moment.total_seconds())
    for unit, size in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


_KEYS = tuple("state" if field.name == "states" else field.name for field in fields(TaskFilter))[:-1]
_ALIASES = {
    "status": "state",
    "signature": "sig",
    "ns": "namespace",
    "name": "template",
    "by": "initiator",
    "tags": "tag",
}
_EXAMPLES = {
    "state": "failing",
    "why": "no-worker",
    "sig": '"unknown: bank # refused"',
    "namespace": "example",
    "template": "linear_workflow",
    "tag": "nightly",
    "initiator": "cron",
    "since": "2h",
    "until": "30m",
}


def _all_state_words() -> dict[str, tuple[TaskState, ...]]:
    words = {state.value: (state,) for state in TaskState}
    words |= {mark.word: (state,) for state, mark in TASK_MARKS.items() if mark.word not in STATE_GROUPS}
    return STATE_GROUPS | words


_STATE_WORDS = _all_state_words()
_WHY_WORDS = [_dashed(kind) for kind in WHY_FILTERS]


def matches(task_filter: TaskFilter, row: TaskRow, now: datetime) -> bool | None:
    """Whether a row of the event stream belongs into the list; None if the row does not say enough."""
    since, until = absolute(task_filter.since, now), absolute(task_filter.until, now)
    text = task_filter.text.lower()
    if (
        (task_filter.states and row.state not in task_filter.states)
        or (task_filter.namespace and row.namespace != task_filter.namespace)
        or (task_filter.template and row.name != task_filter.template)
        or (since and row.created_at < since)
        or (until and row.created_at > until)
        or (text and text not in row.name.lower() and text not in row.uuid)
    ):
        return False
    if task_filter.why and row.state in TASK_TERMINAL:
        return False
    if task_filter.asks_of_steps:
        return None
    if task_filter.tag or task_filter.initiator:
        if row.tags is None:
            return None
        return task_filter.tag in (None, *row.tags) and task_filter.initiator in (None, row.initiator)
    return True
