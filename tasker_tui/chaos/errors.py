"""The one kind of error that a chaos run raises for a person to read."""

from __future__ import annotations


class ChaosError(Exception):
    """A run could not be made: `str(error)` says why, `hint` what to do next; exit code 2."""

    code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
