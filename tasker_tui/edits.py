"""Tells what is wrong with the local stack at the start, and on every screen what came of an edit."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from textual.app import App

from tasker_tui.dev.door import StackPort
from tasker_tui.dev.errors import StackError
from tasker_tui.dev.report import Reloaded
from tasker_tui.keymap import with_keys
from tasker_tui.text import plural, printable

SHOWN = 4
PROBLEM_SECONDS = 15.0
START_SECONDS = 30.0
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


async def tell_problems(stack: StackPort, app: App[Any]) -> None:
    """Notify of what is wrong as one begins; of nothing when all is well, or there is no stack."""
    try:
        problems = (await stack.report()).problems
    except StackError:
        return
    if problems:
        app.notify(
            f"{printable(problems[0])}\n{with_keys(app, '{app.go_stack} shows all')}",
            title=f"{plural(len(problems), 'problem')} in the local stack",
            severity="error",
            timeout=START_SECONDS,
            markup=False,
        )
