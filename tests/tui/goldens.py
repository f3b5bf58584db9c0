"""Goldens: what a screen shows, a file a screen and size; `TASKER_GOLDENS=write` makes them."""

from __future__ import annotations

import os
import re
from pathlib import Path

FOLDER = Path(__file__).parent / "goldens"


_RANDOM = re.compile(r"terminal-\d+")
"""Names that Textual makes anew for each picture."""


def assert_picture(name: str, svg: str) -> None:
    """The SVG is that of the file, apart from random names."""
    _assert(FOLDER / f"{name}.svg", _RANDOM.sub("terminal", svg))


def assert_golden(name: str, shown: str) -> None:
    """The text is that of the file; a file that is missing fails too."""
    _assert(FOLDER / f"{name}.txt", shown)


def _assert(path: Path, shown: str) -> None:
    if os.environ.get("TASKER_GOLDENS") == "write":
        FOLDER.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert path.exists(), f"there is no golden {path.name}; TASKER_GOLDENS=write makes it"
    assert shown == path.read_text(encoding="utf-8")
