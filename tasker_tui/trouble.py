"""What went wrong with a call, in words for the screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import ValidationError

from engine.client import ApiError, ServerUnreachable
from tasker_tui.dev.errors import StackError

if TYPE_CHECKING:
    from engine.model.inputs import InputProblem

CALL_FAILURES = (ApiError, ServerUnreachable, StackError, ValidationError)
"""What a call of the client or of the local stack may raise; the last one if the answer is of another
version."""


def explain(error: Exception) -> str:
    """One sentence that says what failed, without a type name or a traceback."""
    if isinstance(error, ApiError):
        return f"{error.message}; {error.hint}" if error.hint else error.message
    if isinstance(error, StackError):
        return str(error)
    if isinstance(error, ServerUnreachable):
        return (
            "the server did not answer in time" if "in time" in str(error) else "the server cannot be reached"
        )
    return "the server's answer cannot be read; is it of another version?"


def refused_inputs(error: Exception) -> list[InputProblem]:
    """What the server refused in a new task's context, by JSON pointer; empty if it was something else."""
    from engine.model.inputs import InputProblem  # loads a validator that only the start form needs

    problems = error.details.get("problems") or () if isinstance(error, ApiError) else ()
    found = []
    for problem in problems:
        first, *rest = re.findall(r"[^.\[\]]+", problem.get("path", "")) or [""]
        if first == "context":
            found.append(InputProblem("".join(f"/{part}" for part in rest), problem.get("message", "")))
    return found
