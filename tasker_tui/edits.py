"""Tells on every screen what came of an edit that the local stack noticed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from tasker_tui.dev.door import StackPort
from tasker_tui.dev.errors import StackError
from tasker_tui.dev.report import Reloaded
from tasker_tui.text import plural, printable

SHOWN = 4
PROBLEM_SECONDS = 15.0
GOOD_SECONDS = 5.0


async def tell_edits(stack: StackPort, notify: Callable[..., Any]) -> None:
    """Notify of each edit until the stack ends; returns at once when there is none."""
    with contextlib.suppress(StackError):
        async for reloaded in stack.news():
            notify(
                message_of(reloaded),
                title=printable(", ".join(reloaded.files)),
                severity="error" if reloaded.problems else "information",
                timeout=PROBLEM_SECONDS if reloaded.problems else GOOD_SECONDS,
                markup=False,
            )


def message_of(reloaded: Reloaded) -> str:
    """What is wrong, else what came; the rest is on the stack's screen."""
    lines = reloaded.problems or reloaded.came
    shown = [printable(line) for line in lines[:SHOWN]]
    if len(lines) > SHOWN:
        shown.append(f"and {plural(len(lines) - SHOWN, 'line')} more: S shows the stack")
    return "\n".join(shown)
