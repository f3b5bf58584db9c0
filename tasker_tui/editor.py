"""A text in the editor that `$VISUAL` or `$EDITOR` names, while the dashboard waits."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported


class EditorFailed(Exception):
    """The text could not be edited; the message says why, and what to do."""


def edit(app: App[Any], text: str, suffix: str) -> str:
    """The text as it is after editing; `suffix` names its kind, such as `.json`. Raises EditorFailed."""
    command = _command()
    with tempfile.TemporaryDirectory(prefix="tasker-") as folder:
        file = Path(folder) / f"input{suffix}"
        file.write_text(text, encoding="utf-8")
        try:
            with app.suspend():
                code = subprocess.run([*command, str(file)], check=False).returncode
        except SuspendNotSupported:
            raise EditorFailed("an editor cannot be opened here: the terminal is not ours to leave") from None
        except OSError as error:
            raise EditorFailed(f"{command[0]} cannot be started: {error.strerror}; set $EDITOR") from None
        if code:
            raise EditorFailed(f"{command[0]} ended with exit code {code}; the text is as it was")
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise EditorFailed("what the editor left cannot be read as text; it is as it was") from None


def _command() -> list[str]:
    for name in ("VISUAL", "EDITOR"):
        words = os.environ.get(name, "").strip()
        if words:
            try:
                return shlex.split(words)
            except ValueError as error:
                raise EditorFailed(f"${name} is no command: {error}") from None
    for program in ("nano", "vi"):
        if shutil.which(program):
            return [program]
    raise EditorFailed("no editor is known; set $EDITOR")
