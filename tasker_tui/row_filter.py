"""The filter of a list that is in memory whole: `parcel !done /^bill.*v2/ ~ordful "two words"`.

All words have to fit. A word fits where it occurs, in upper or lower case; `!` before it leaves out what it
fits, `/…/` is a regular expression, `~` asks for its letters in their order, with anything between them.
(Reference tui 4: `/` with regex, `!` inverse, `~` fuzzy.)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_WORD = re.compile(r'(?P<not>!?)(?:/(?P<regex>(?:[^/\\]|\\.)+)/(?=\s|$)|"(?P<phrase>[^"]*)"|(?P<plain>\S+))')

Test = Callable[[str], bool]


class RowFilterError(ValueError):
    """A filter that cannot be read; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class RowFilter:
    """What a list is narrowed to; `text` is as it was typed. An empty one fits everything."""

    text: str = ""
    tests: tuple[Test, ...] = ()

    def fits(self, told: str) -> bool:
        """Whether a row is shown, by all that is told of it."""
        return all(test(told) for test in self.tests)


def parse_row_filter(text: str) -> RowFilter:
    """Read a filter. Raises RowFilterError."""
    text = text.strip()
    return RowFilter(text, tuple(_test(word) for word in _WORD.finditer(text)))


def _test(word: re.Match[str]) -> Test:
    test = _plain_test(word)
    return (lambda told: not test(told)) if word["not"] else test


SEARCHED = 500
"""Characters of a line that a regular expression looks at: some take a time that grows much faster."""


def _plain_test(word: re.Match[str]) -> Test:
    if word["regex"] is not None:
        return _searching(word["regex"])
    plain = word["plain"]
    if plain and plain.startswith("~") and len(plain) > 1:
        return _in_order(plain[1:].lower())
    wanted = (word["phrase"] if word["phrase"] is not None else plain).lower()
    return lambda told: wanted in told.lower()


def _searching(pattern: str) -> Test:
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise RowFilterError(f"/{pattern}/ is no regular expression: {error}") from None
    return lambda told: any(compiled.search(line[:SEARCHED]) for line in told.splitlines() or [""])


def _in_order(letters: str) -> Test:
    def holds(line: str) -> bool:
        left = iter(line.lower())
        return all(letter in left for letter in letters)

    return lambda told: any(holds(line) for line in told.splitlines() or [""])
