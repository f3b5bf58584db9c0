"""How a command ends: one line on standard error, a hint below it, and an exit code that scripts can read.

| code | meaning |
|---|---|
| 0 | done; for `watch`: the task is complete |
| 1 | refused or failed: the server said no, or the task ended otherwise than complete |
| 2 | wrong usage or environment: options, settings, ports, the data folder, the database |
| 3 | there is no such task, step or template |
| 4 | the server cannot be reached, or cannot answer now |
| 130 | interrupted by ctrl+c |
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

FAILED = 1
USAGE = 2
NOT_FOUND = 3
UNAVAILABLE = 4
INTERRUPTED = 130


class CommandError(Exception):
    """A command cannot do what it was asked for; `hint` says what to do next."""

    def __init__(self, message: str, hint: str = "", code: int = FAILED) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code


def exit_code_of(command: Callable[[], object]) -> int:
    """Run a command and say on standard error why it failed, if it did; returns the exit code."""
    try:
        result = command()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has enough of it; nothing may be flushed there at exit either.
        sys.stdout = None
        return FAILED
    except Exception as error:
        return _explain(error)
    return result if isinstance(result, int) else 0


def _explain(error: Exception) -> int:
    hint = getattr(error, "hint", None)
    if hint is None:
        say_error(_unexpected(error), "this is a fault of Tasker; please report it with the command you gave")
        return FAILED
    say_error(str(error), hint)
    code: int = getattr(error, "code", USAGE)
    return code


def say_error(message: str, hint: str = "") -> None:
    """Write `error: …` and the hint to standard error."""
    print(f"error: {message}", file=sys.stderr)
    if hint:
        print(f"  hint: {hint}", file=sys.stderr)


def _unexpected(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"unexpected {type(error).__name__}: {error}{place}"
