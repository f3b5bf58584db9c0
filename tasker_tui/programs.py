"""Other programs in the terminal, each with a file, while the dashboard waits."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported


class ProgramFailed(Exception):
    """It did not run, or did not end well; the message says why, and what to do."""


def named_by(variables: Sequence[str], others: Sequence[str], kind: str) -> list[str]:
    """The command of the first variable that is set, else the first other program that there is.

    Raises ProgramFailed.
    """
    for name in variables:
        words = os.environ.get(name, "").strip()
        if words:
            try:
                return shlex.split(words)
            except ValueError as error:
                raise ProgramFailed(f"${name} is no command: {error}") from None
    for program in others:
        if shutil.which(program):
            return [program]
    raise ProgramFailed(f"no {kind} is known; set ${variables[-1]}")


def run_with(app: App[Any], command: Sequence[str], file: Path, kind: str) -> None:
    """Leave the terminal to a program of a kind until it ends. Raises ProgramFailed."""
    try:
        with app.suspend():
            code = subprocess.run([*command, str(file)], check=False).returncode
    except SuspendNotSupported:
        raise ProgramFailed(f"{kind} cannot be opened here: the terminal is not ours to leave") from None
    except OSError as error:
        raise ProgramFailed(f"{command[0]} cannot be started: {error.strerror}; set another one") from None
    if code:
        raise ProgramFailed(f"{command[0]} ended with exit code {code}")
