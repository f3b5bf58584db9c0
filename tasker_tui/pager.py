"""A text in the program that `$PAGER` names, while the dashboard waits."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from textual.app import App

from tasker_tui.programs import ProgramFailed, named_by, run_with
from tasker_tui.text import printable_lines


def show(app: App[Any], text: str, name: str) -> None:
    """Show a text whole, without control characters; `name` is what the pager calls it.

    Says in a notice why it could not be shown, if so.
    """
    if not text.strip():
        app.notify("there is nothing to show yet", severity="warning")
        return
    try:
        _show(app, "\n".join(printable_lines(text, limit=len(text) + 1)) + "\n", name)
    except ProgramFailed as error:
        app.notify(str(error), severity="warning", markup=False)


def _show(app: App[Any], text: str, name: str) -> None:
    command = named_by(("PAGER",), ("less", "more"), "pager")
    if Path(command[0]).name == "less":
        command.append("-+F")  # else it would leave at once what fits the screen
    with tempfile.TemporaryDirectory(prefix="tasker-") as folder:
        file = Path(folder) / "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:100]
        file.write_text(text, encoding="utf-8")
        run_with(app, command, file, "a pager")
