"""The one kind of error that the bench raises for a person to read."""

from __future__ import annotations


class BenchError(Exception):
    """Something could not be measured: `str(error)` says why, `hint` what to do next; exit code 1."""

    code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
