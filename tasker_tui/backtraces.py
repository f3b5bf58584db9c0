"""Where a handler failed, from the lines of its traceback."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_FRAME = re.compile(r'\s*File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<name>\S+))?')
_NOT_THEIRS = re.compile(r"site-packages|/lib/python\d|<frozen|/workers/(?!examples)|^<")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of source: `source` is its text, empty if the traceback does not show it."""

    file: str
    line: int
    name: str
    source: str

    def __str__(self) -> str:
        """As editors open it."""
        return f"{self.file}:{self.line}"


def failing_place(backtrace: Sequence[str]) -> Place | None:
    """The innermost frame of the handler's own code, else the innermost frame, None without any."""
    lines = [line for entry in backtrace for line in entry.splitlines()]
    places = [
        Place(found["file"], int(found["line"]), found["name"] or "", _source(lines, index))
        for index, line in enumerate(lines)
        if (found := _FRAME.match(line))
    ]
    own = [place for place in places if not _NOT_THEIRS.search(place.file)]
    return next(reversed(own or places), None)


def _source(lines: Sequence[str], index: int) -> str:
    following = lines[index + 1].strip() if index + 1 < len(lines) else ""
    return "" if following.startswith(("File ", "Traceback")) else following
