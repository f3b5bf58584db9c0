"""Plain-text goldens: what a screen shows, a file a screen and size; `TASKER_GOLDENS=write` makes them."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "goldens"


def assert_golden(name: str, shown: str) -> None:
    """The text is that of the file; a file that is missing fails too."""
    path = FOLDER / f"{name}.txt"
    if os.environ.get("TASKER_GOLDENS") == "write":
        FOLDER.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert path.exists(), f"there is no golden {path.name}; TASKER_GOLDENS=write makes it"
    assert shown == path.read_text(encoding="utf-8")
