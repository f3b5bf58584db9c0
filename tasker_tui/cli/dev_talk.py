"""What the commands below `tasker dev` say at a stack's door, and how they wait for what comes of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tasker_tui.cli.errors import FAILED, UNAVAILABLE, CommandError
from tasker_tui.dev.door import Door, NoStack, Verb
from tasker_tui.dev.errors import StackError
from tasker_tui.dev.report import Part, StackReport

T = TypeVar("T")

POLL_SECONDS = 0.1
FOLLOW_SECONDS = 0.25
PATIENCE_SECONDS = 60.0
WANTED = {"start": "running", "restart": "running", "stop": "stopped"}


def talk(url: str, run: Callable[[Door], Awaitable[T]]) -> T:
    """Give `run` the door of the stack behind `url`; raises CommandError, with 4 when there is none."""

    async def conversation() -> T:
        return await run(Door(url))

    try:
        return asyncio.run(conversation())
    except NoStack as error:
        raise CommandError(str(error), error.hint, UNAVAILABLE) from None
    except StackError as error:
        raise CommandError(str(error), error.hint, FAILED) from None


async def order(door: Door, verb: Verb, part: str) -> tuple[Part, float]:
    """Do it and wait for what it leads to; answers the part then, and how many seconds that took.

    Raises CommandError when the part fails instead, or takes longer than a minute.
    """
    begun = time.monotonic()
    before = _part(await door.report(), part)
    await door.order(verb, part)
    while True:
        now = _part(await door.report(), part)
        replaced = verb != "restart" or before is None or now is None or now.pid != before.pid
        if now is not None and now.state == WANTED[verb] and replaced:
            return now, time.monotonic() - begun
        if now is not None and now.state == "restarting":
            raise CommandError(f"{now.name} {now.detail}", f"see tasker dev logs {now.name}", FAILED)
        if time.monotonic() - begun > PATIENCE_SECONDS:
            raise CommandError(f"{part} is not {WANTED[verb]} yet", "see tasker dev status", FAILED)
        await asyncio.sleep(POLL_SECONDS)


async def reset_stack(door: Door) -> StackReport:
    """Throw the database away, and wait until tasks can be created again."""
    await door.reset()
    while True:
        report = await door.report()
        if not report.doing and (report.trouble or all(part.state == "running" for part in report.parts)):
            return report
        await asyncio.sleep(POLL_SECONDS)


async def end_stack(door: Door) -> StackReport:
    """End the stack as ctrl+c does, and wait until it is gone; answers how it was before."""
    report = await door.report()
    os.kill(report.pid, signal.SIGTERM)
    with contextlib.suppress(NoStack):
        while True:
            await door.report()
            await asyncio.sleep(POLL_SECONDS)
    return report


async def show_log(door: Door, part: str, lines: int, follow: bool, write: Callable[[str], None]) -> None:
    """Write the last lines, and with `follow` those that come until the stack ends."""
    found = await door.log(part)
    for line in found.lines[max(0, len(found.lines) - lines) :]:
        write(line)
    while follow:
        await asyncio.sleep(FOLLOW_SECONDS)
        found = await door.log(part, found.written)
        for line in found.lines:
            write(line)


def _part(report: StackReport, name: str) -> Part | None:
    return next((part for part in report.parts if part.name == name), None)
