"""Text for a screen: durations, bars, JSON, and strangers' text made safe to print."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from rich.cells import cell_len, chop_cells, set_cell_size

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control and direction characters: printed raw they could move the cursor or reverse a line."""


def printable(text: str) -> str:
    """The text on one line without control characters; a line break becomes ⏎, others a middle dot."""
    return _CONTROL.sub(lambda found: "⏎" if found[0] == "\n" else "·", text)


def printable_lines(text: str, limit: int = 1000) -> list[str]:
    """The text's lines without control characters, tabs as spaces, at most `limit` of them."""
    lines = [printable(line.expandtabs(4)) for line in re.split(r"\r\n|\n|\r", text)]
    return lines[:limit] + ([f"… {len(lines) - limit} more lines"] if len(lines) > limit else [])


def fit(text: str, width: int) -> str:
    """Exactly `width` cells: padded, or cut with an ellipsis."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)


def folded(line: str, width: int, indent: str) -> list[str]:
    """The line cut into pieces of at most `width` cells, those after the first indented."""
    room = max(8, width - len(indent))
    pieces = chop_cells(line, max(8, width))
    if not pieces:
        return [line]  # empty, or of characters alone that take no room
    return [pieces[0], *(indent + piece for piece in chop_cells(line[len(pieces[0]) :], room))]


def short_id(uuid: str) -> str:
    """The last eight digits. The first ones of a version 7 uuid are the time: alike for all of a minute."""
    return uuid[-8:]


def duration(seconds: float) -> str:
    """At most two units, at most six cells: `0.8s`, `42s`, `3m40s`, `2h05m`, `4d11h`."""
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    days = whole // 86400
    return f"{days}d{whole % 86400 // 3600:02}h" if days < 100 else f"{days}d"


def age(since: datetime, now: datetime) -> str:
    """One unit, at most four cells: `8s`, `12m`, `5h`, `3d`, `20w`."""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, size in (("w", 604800 * 2), ("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // (604800 if unit == 'w' else size)}{unit}"
    return f"{seconds}s"


def clock_time(at: datetime) -> str:
    """The local time of day, `14:03:09`."""
    return at.astimezone().strftime("%H:%M:%S")


def bar(parts: tuple[int, ...], total: int, width: int) -> tuple[int, ...]:
    """How many of `width` cells each part of `total` gets: its share, yet a part above 0 at least one."""
    if total <= 0 or width <= 0:
        return tuple(0 for _ in parts)
    cells = [max(1, part * width // total) if part else 0 for part in parts]
    while sum(cells) > width:
        cells[cells.index(max(cells))] -= 1
    if sum(parts) >= total and cells:
        cells[cells.index(max(cells))] += width - sum(cells)
    return tuple(cells)


def json_lines(value: Any, limit: int = 400) -> list[str]:
    """Indented JSON, at most `limit` lines."""
    return printable_lines(json.dumps(value, indent=2, ensure_ascii=False, default=str), limit)


def json_line(value: Any) -> str:
    """JSON on one line."""
    return printable(json.dumps(value, ensure_ascii=False, default=str))


def near(word: str, known: Sequence[str]) -> str:
    """What may have been meant instead of a word that is not known."""
    found = get_close_matches(word, known, n=1)
    return f"did you mean {found[0]}?" if found else f"known are {', '.join(known)}"


def count(number: int) -> str:
    """With thousands separated: `18,402`."""
    return f"{number:,}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 step`, `3 steps`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"
