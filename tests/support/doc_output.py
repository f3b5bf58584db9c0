"""Compares what a command wrote with what a guide shows of it.

- White space counts as one blank, and lines without anything else do not count.
- Moments, times of day and durations only have to be some.
- `…` stands for anything within a line; alone on a line, for any lines. `<words>` stand for one word.
- A uuid stands for itself: the first time that a guide shows one it becomes whatever the system gave, and
  from then on, in commands too, it is that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_TIME_OF_DAY = re.compile(r"\b\d\d:\d\d:\d\d(\.\d+)?\b")
_DURATION = re.compile(r"(?<![\w.-])\d+(\.\d+)? ?(ms|s|m|h|d|w)\b( \d+(\.\d+)?(ms|s|m|h)\b)*")
_HOLE = re.compile(rf"(?P<uuid>{UUID})|(?P<word><[a-z][a-z _-]*>)|(?P<any>…)", re.IGNORECASE)
ANY_LINES = ("…", "...")


class Bindings:
    """Which uuid of the running system each uuid of a guide is."""

    def __init__(self) -> None:
        self.actual: dict[str, str] = {}

    def translate(self, text: str) -> str:
        """A guide's text with the uuids that are known by now."""
        return re.sub(UUID, lambda match: self.actual.get(match[0], match[0]), text)

    def matches(self, shown: Sequence[str], written: str) -> bool:
        """Whether the output is as shown; if it is, the uuids that it shows first are known from now on."""
        pattern = _Pattern(self.actual)
        whole = "".join(pattern.line(line) for line in _lines(shown))
        match = re.fullmatch(whole, "".join(f"{line}\n" for line in _lines(written.splitlines())))
        if match is None:
            return False
        self.actual |= {uuid: match[group] for uuid, group in pattern.first.items()}
        return True


class _Pattern:
    def __init__(self, known: dict[str, str]) -> None:
        self.known = known
        self.first: dict[str, str] = {}

    def line(self, shown: str) -> str:
        """A regular expression for a line of output, its end included."""
        if shown in ANY_LINES:
            return r"(?:[^\n]*\n)*?"
        parts, at = [], 0
        for hole in _HOLE.finditer(shown):
            parts += [re.escape(shown[at : hole.start()]), self._hole(hole)]
            at = hole.end()
        return "".join(parts) + re.escape(shown[at:]) + r"\n"

    def _hole(self, hole: re.Match[str]) -> str:
        if hole["any"]:
            return r"[^\n]*"
        if hole["word"]:
            return r"\S+"
        uuid = hole["uuid"]
        if uuid in self.known:
            return re.escape(self.known[uuid])
        if uuid in self.first:
            return f"(?P={self.first[uuid]})"
        self.first[uuid] = f"uuid_{len(self.first)}"
        return f"(?P<{self.first[uuid]}>{UUID})"


def _lines(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        plain = " ".join(line.split())
        for pattern, name in ((_MOMENT, "[moment]"), (_TIME_OF_DAY, "[time]"), (_DURATION, "[duration]")):
            plain = pattern.sub(name, plain)
        if plain:
            yield plain
