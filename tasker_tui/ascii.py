"""For terminals without box drawing: every other character becomes ASCII, just before it is written."""

from __future__ import annotations

import unicodedata

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("─━╍═╌┄", "-"),
        **dict.fromkeys("│┃▏▎▍▌▋▊▉█▕▐", "|"),
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼╋", "+"),
        **dict.fromkeys("▁▂▃▔▀▄▅▆▇", "#"),
        "…": ".", "·": ".", "›": ">", "‹": "<", "—": "-", "×": "x", "⏎": "/", "↑": "^", "↓": "v", "←": "<",
        "→": ">", "◆": "*", "●": "*", "▲": "!", "◌": "o", "✓": "C", "✗": "E", "▼": "v", "▾": "v", "▴": "^",
        "▶": ">", "⊘": "X", "○": "o", "⟳": "@",
        "■": "#", "≈": "~",
    }
)  # fmt: skip


class AsciiFilter(LineFilter):
    """Replaces what is not ASCII, keeping the width."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments in ASCII."""
        return [
            segment
            if segment.text.isascii()
            else Segment(plain(segment.text), segment.style, segment.control)
            for segment in segments
        ]


def plain(text: str) -> str:
    """The text in ASCII: look-alikes for what we draw, the base letter of others, `?` where there is none."""
    return "".join(_one(character) for character in text.translate(_PLAIN))


def _one(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.combining(character):
        return ""
    base = unicodedata.normalize("NFKD", character)[0]
    wide = unicodedata.east_asian_width(character) in "WF"
    return base if base.isascii() else "??" if wide else "?"
