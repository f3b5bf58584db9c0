"""A worker at whose terminal somebody debugs one handler: `tasker worker --debug HANDLER`."""

from __future__ import annotations

import logging
import os
import sys
import termios
from collections.abc import Callable
from typing import Any

from engine.model.payload import load_json
from engine.store.claims import FinishedStep
from workers.runtime.running import RunningStep

log = logging.getLogger("tasker.debug")


def prepare_terminal() -> Callable[[], None]:
    """Make `breakpoint()` leave ctrl+c to the worker; answers what puts the terminal in order again.

    A debugger chosen by PYTHONBREAKPOINT stays in place.
    """
    if "PYTHONBREAKPOINT" not in os.environ:
        sys.breakpointhook = _break_here
    try:
        modes = termios.tcgetattr(sys.stdin.fileno())
    except (termios.error, OSError, ValueError):
        return lambda: None
    return lambda: termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, modes)


def tell_begin(step: RunningStep) -> None:
    """Say which step the handler is about to run."""
    claimed = step.claimed
    log.info("runs step %s of task %s, attempt %d", claimed.name, claimed.task_uuid, claimed.attempt)


def tell_end(step: RunningStep, finished: FinishedStep) -> None:
    """Say how it ended; of a failure, the traceback."""
    if finished.success:
        log.info("step %s is complete", step.claimed.name)
        return
    error = load_json(finished.details) if finished.details else {}
    trace = error.get("backtrace") or error.get("message", "")
    text = "\n".join(map(str, trace)) if isinstance(trace, list) else str(trace)
    log.error("step %s failed:\n%s", step.claimed.name, text)


def _break_here(*_arguments: Any, **_options: Any) -> None:
    import pdb  # no other worker needs it

    pdb.Pdb(nosigint=True).set_trace(sys._getframe(1))
