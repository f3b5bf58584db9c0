"""The command line: places, actions by their names, and what takes a word: `tasks state:failing since:2h`.

Places come from the shapes of locators, actions from the one table, so that new ones are there by themselves.
(Reference tui 4: every key also as a command.)
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from io import StringIO

from tasker_tui.actions import ACTIONS, Action
from tasker_tui.filters import FilterError, completion, expand
from tasker_tui.locator import SHAPES, Locator, LocatorError, parse_locator, takes_filter


class CommandError(ValueError):
    """A line that says nothing; the message tells what would be right."""


@dataclass(frozen=True, slots=True)
class Go:
    """Show a place."""

    where: Locator


@dataclass(frozen=True, slots=True)
class Find:
    """Show a place of a task, of whose id `where` has the first or the last characters."""

    where: Locator


@dataclass(frozen=True, slots=True)
class Do:
    """Do what a key does."""

    action_id: str


@dataclass(frozen=True, slots=True)
class Call:
    """A command with the word that it takes, of `TAKING`; `start order_fulfillment`."""

    name: str
    word: str


Command = Go | Find | Do | Call

TAKING = {"start": "TEMPLATE", "theme": "NAME", "save": "NAME", "forget": "NAME"}
"""Commands that are no action with a word after them."""
SHORT = {"q": "quit", "h": "help", "dlq": "letters"}
"""Other words for the same, as other tools have them."""


KEYED = ("tasks", "events")
"""Places whose filter has keys."""
OF_TASKS = ("task", "step")
"""Places that begin with the id of a task."""
PART_OF_ID = re.compile(r"[0-9a-f]+(-[0-9a-f]+)*", re.IGNORECASE)
LEAST_OF_ID, WHOLE_ID = 4, 32


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What can be said on a screen: its actions; `words` known after a place or a command, whole;
    `filter_words` after a key of a filter."""

    actions: Sequence[Action] = ()
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    filter_words: dict[str, Sequence[str]] = field(default_factory=dict)
    saved: Mapping[str, str] = field(default_factory=dict)
    """Filters by the names that they were saved under."""


def parse_command(text: str, vocabulary: Vocabulary) -> Command:
    """Read a line. Raises CommandError."""
    text = text.strip().removeprefix(":").strip()
    name, _, rest = text.partition(" ")
    name = SHORT.get(name.lower(), name)
    text = f"{name} {rest}".rstrip()
    if name in SHAPES:
        return _place(name, _expanded(name, rest.strip(), vocabulary.saved))
    if "/" in name or "?" in name:
        return Go(_located(text))
    if name in TAKING and rest.strip():
        return Call(name, rest.strip())
    action = _action(text, vocabulary.actions)
    if action is not None:
        return Do(action.id)
    raise CommandError(_unknown(text, vocabulary))


def command_for(where: Locator) -> str:
    """The line that leads to a place; `parse_command` reads it."""
    words = [where.place, *(shlex.quote(part) for part in where.path)]
    return " ".join([*words, where.query] if where.query else words)


def usage(name: str) -> str:
    """What follows a place or a command: `runs NAMESPACE NAME VERSION`."""
    if name in TAKING:
        return f"{name} {TAKING[name]}"
    return SHAPES[name].replace("/", " ").replace("?", " ")


def completions(text: str, vocabulary: Vocabulary) -> list[str]:
    """Lines that begin with the text, as far as is known; none for an empty one."""
    name, space, rest = text.partition(" ")
    if not space:
        known = [*_names(vocabulary.actions)]
        return [line for line in known if line.startswith(text) and line != text] if text else []
    found = [f"{name} {words}" for words in vocabulary.words.get(name, ())]
    if name in KEYED:
        best = completion(rest, vocabulary.filter_words)
        found += [f"{name} {best}"] if best else []
    return [line for line in dict.fromkeys(found) if line.startswith(text) and line != text]


def beginning_words(vocabulary: Vocabulary) -> list[str]:
    """What a line may begin with: places first."""
    titles = (action.title for action in vocabulary.actions)
    return list(dict.fromkeys([*SHAPES, *TAKING, *titles]))


def _place(name: str, rest: str) -> Go | Find:
    shape = SHAPES[name].partition("?")[0].split("/")[1:]
    words, query = _words(rest, len(shape))
    path, left = _fill(shape, words)
    needed = next((i for i, part in enumerate(shape) if not part.isupper()), len(shape))
    if left or len(words) < needed or (query and not takes_filter(name)):
        raise CommandError(f"write :{usage(name)}")
    where = Locator(name, tuple(path), query)
    return Find(where) if name in OF_TASKS and _is_part(path[0]) else Go(_located(str(where)))


def _is_part(text: str) -> bool:
    """Whether it is the beginning or the end of an id."""
    length = len(text.replace("-", ""))
    if not PART_OF_ID.fullmatch(text) or length >= WHOLE_ID:
        return False
    if length < LEAST_OF_ID:
        raise CommandError(
            f"{text} is too short: give {LEAST_OF_ID} or more of the id's first or last digits"
        )
    return True


def _expanded(name: str, rest: str, saved: Mapping[str, str]) -> str:
    try:
        return expand(rest, saved) if name == "tasks" else rest
    except FilterError as error:
        raise CommandError(str(error)) from None


def _fill(shape: Sequence[str], words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The path for the words, its fixed parts added where they were left out; and the words left over."""
    path, left = [], list(words)
    for part in shape:
        if not left:
            break
        fixed = not part.isupper()
        if fixed and not (left[0] == part and len(left) > 1):
            path.append(part)
        else:
            path.append(left.pop(0))
    return path, left


def _words(text: str, most: int) -> tuple[list[str], str]:
    """The first words, as a shell has them; and all after them as it was typed."""
    typed = StringIO(text)
    lexer = shlex.shlex(typed, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = [word for _ in range(most) if (word := lexer.get_token()) is not None]
    except ValueError:
        raise CommandError("a quote is not closed") from None
    return words, typed.read().strip()


def _located(text: str) -> Locator:
    try:
        return parse_locator(text)
    except LocatorError as error:
        raise CommandError(str(error)) from None


def _action(text: str, actions: Iterable[Action]) -> Action | None:
    wanted = text.lower()
    return next((action for action in actions if wanted in (action.id, action.title.lower())), None)


def _names(actions: Sequence[Action]) -> Iterable[str]:
    titles = (action.title for action in actions)
    return dict.fromkeys([*SHAPES, *TAKING, *titles, *(action.id for action in actions)])


def _unknown(text: str, vocabulary: Vocabulary) -> str:
    if not text:
        return "write a place, such as tasks or failures, or what to do, such as start or retry"
    if text in TAKING:
        return f"write :{usage(text)}"
    elsewhere = _action(text, ACTIONS)
    if elsewhere is not None:
        return f"{text} cannot be done here; it belongs to {elsewhere.scope}"
    name = text.partition(" ")[0]
    if name != text and _action(name, vocabulary.actions):
        return f"{name} takes no words after it"
    known = [*_names(vocabulary.actions), *SHORT]
    near = get_close_matches(text, known, n=1) or get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"places are {', '.join(SHAPES)}"
    return f"there is no command {name} — {hint}"
