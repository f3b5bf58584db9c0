"""Small pictures of numbers: sparklines, filled curves of several lines, and meters; each also in ASCII.

Nothing is a dot, the least of something is visible: a minute with one failure must not look like none.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil

_BLOCKS, _ASCII_LEVELS = "▁▂▃▄▅▆▇█", ".:-=+*%#"
_NOTHING, _ASCII_NOTHING = "·", "_"
_PARTS = "▏▎▍▌▋▊▉█"
_LEFT_DOTS, _RIGHT_DOTS = (0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08)
"""The dots of a braille cell's two columns, from the bottom."""
_BRAILLE = 0x2800
_DOTS = 4


def sample(values: Sequence[float], cells: int) -> list[float]:
    """At most `cells` values: of neighbours that share one the highest, so that no peak is lost."""
    if cells <= 0:
        return []
    if len(values) <= cells:
        return list(values)
    ends = [len(values) * i // cells for i in range(cells + 1)]
    return [max(values[begin:end]) for begin, end in pairwise(ends)]


def spark(values: Sequence[float], width: int, *, ascii_only: bool = False, top: float | None = None) -> str:
    """One cell a value, the newest at the right edge; the height is its share of `top` (the highest)."""
    levels, nothing = (_ASCII_LEVELS, _ASCII_NOTHING) if ascii_only else (_BLOCKS, _NOTHING)
    shown = sample(values, width)
    highest = max([*shown, top or 0])
    cells = (levels[_level(value, highest, len(levels)) - 1] if value > 0 else nothing for value in shown)
    return "".join(cells).rjust(max(0, width))


def curve(values: Sequence[float], width: int, height: int, *, ascii_only: bool = False) -> list[str]:
    """A filled curve of `height` lines, from the top; in braille two values a cell and four dots a line."""
    if ascii_only:
        return _ascii_curve(values, width, height)
    shown = sample(values, 2 * width)
    shown = [0.0] * (2 * width - len(shown)) + shown
    highest = max(shown, default=0)
    dots = [_level(value, highest, _DOTS * height) if value > 0 else 0 for value in shown]
    lines = []
    for line in range(height - 1, -1, -1):
        pairs = zip(dots[::2], dots[1::2], strict=True)
        lines.append("".join(_braille(left, right, line * _DOTS) for left, right in pairs))
    return lines


def meter(share: float, width: int, *, ascii_only: bool = False) -> tuple[str, str]:
    """A bar of `width` cells in two parts, the full one and the rest; `share` from 0 to 1."""
    share = min(1.0, max(0.0, share))
    if ascii_only:
        full = ceil(share * width) if share < 1 else width
        return "#" * full, "-" * (width - full)
    eighths = ceil(share * width * len(_PARTS))
    whole, part = divmod(eighths, len(_PARTS))
    full_cells = _PARTS[-1] * whole + (_PARTS[part - 1] if part else "")
    return full_cells, "─" * (width - len(full_cells))


def _level(value: float, highest: float, levels: int) -> int:
    """From 1 to `levels`."""
    return max(1, min(levels, ceil(levels * value / highest)))


def _braille(left: int, right: int, below: int) -> str:
    bits = 0
    for dot in range(_DOTS):
        bits |= (_LEFT_DOTS[dot] if left > below + dot else 0) | (
            _RIGHT_DOTS[dot] if right > below + dot else 0
        )
    return chr(_BRAILLE + bits) if bits else " "  # an empty braille cell is wider than others in some fonts


def _ascii_curve(values: Sequence[float], width: int, height: int) -> list[str]:
    shown = sample(values, width)
    shown = [0.0] * (width - len(shown)) + shown
    highest = max(shown, default=0)
    rows = [_level(value, highest, 2 * height) if value > 0 else 0 for value in shown]
    lines = []
    for line in range(height - 1, -1, -1):
        lines.append("".join("#" if row >= 2 * line + 2 else ":" if row > 2 * line else " " for row in rows))
    return lines
