"""A text in the editor that `$VISUAL` or `$EDITOR` names, while the dashboard waits."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from textual.app import App

from tasker_tui.programs import ProgramFailed, named_by, run_with


def edit(app: App[Any], text: str, suffix: str) -> str:
    """The text as it is after editing; `suffix` names its kind, such as `.json`. Raises ProgramFailed."""
    command = named_by(("VISUAL", "EDITOR"), ("nano", "vi"), "editor")
    with tempfile.TemporaryDirectory(prefix="tasker-") as folder:
        file = Path(folder) / f"input{suffix}"
        file.write_text(text, encoding="utf-8")
        run_with(app, command, file, "an editor")
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise ProgramFailed("what the editor left cannot be read as text; it is as it was") from None
