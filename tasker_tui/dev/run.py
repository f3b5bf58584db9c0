"""Runs the local stack in the foreground until it is told to stop: alone, or below the dashboard."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from tasker_tui.dev.options import StackOptions
from tasker_tui.dev.stack import Stack
from tasker_tui.dev.status import State
from tasker_tui.dev.terminal import end_when_stuck_without_terminal, let_go_of_output

Options = Callable[[], StackOptions]
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
ECHO_SECONDS = 1.0
WRAPPER_CHECK_SECONDS = 0.5
FAILURE_LINES = 5


async def run_headless(options: Options) -> None:
    """Run the stack until SIGINT or SIGTERM; a second signal ends it without draining.

    Writes `ready URL` to standard output once tasks can be created, and everything else to standard error.
    """
    stack = Stack(options, _to_stderr)

    async def serve() -> None:
        await _bring_up(stack)
        print(f"ready {stack.url}", flush=True)
        await asyncio.Event().wait()

    await _until_told(stack, serve)


async def run_with_dashboard(options: Options) -> None:
    """Run the stack and the dashboard on top of it; the stack ends when the dashboard is left."""
    stack = Stack(options, _nowhere)
    end_when_stuck_without_terminal(asyncio.get_running_loop())

    async def serve() -> None:
        print("starting PostgreSQL, the engine and a worker …", file=sys.stderr)
        showing = asyncio.create_task(_show_failures(stack))
        try:
            await _bring_up(stack)
        finally:
            showing.cancel()
        from tasker_tui.opening import run_async
        from tasker_tui.profiles import Profile

        await run_async(Profile(url=stack.url), ends_stack=True)
        print("stopping: the worker finishes what it runs …", file=sys.stderr)

    await _until_told(stack, serve)


async def _bring_up(stack: Stack) -> None:
    await stack.start()
    await stack.ready()


async def _show_failures(stack: Stack) -> None:
    """Write what a part said that ended before all were ready: there is no dashboard yet to show it."""
    shown: set[tuple[str, int]] = set()
    async for processes in stack.changes():
        for process in processes:
            failure = process.name, process.restarts
            if process.state is State.RESTARTING and failure not in shown:
                shown.add(failure)
                for line in process.last_lines[-FAILURE_LINES:]:
                    _to_stderr(process.name, line)


async def _until_told(stack: Stack, serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `serve` until it ends or this process is told to stop, then stop the stack in either case."""
    told = _told_to_stop(hurry=stack.hurry)
    wrapper = asyncio.create_task(_set_when_wrapper_ends(told))
    serving, waiting = asyncio.create_task(serve()), asyncio.create_task(told.wait())
    try:
        await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
    finally:
        for task in (serving, waiting, wrapper):
            task.cancel()
        await asyncio.wait((serving,))
        await stack.stop()


def _told_to_stop(hurry: Callable[[], None]) -> asyncio.Event:
    """An event that the first signal sets; one that comes later than its echo calls `hurry`.

    `uv run` passes on the ctrl+c that the terminal has already sent to both.
    """
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    first = math.inf

    def on_signal() -> None:
        nonlocal first
        if not told.is_set():
            first = loop.time()
            told.set()
        elif loop.time() > first + ECHO_SECONDS:
            hurry()

    def on_hangup() -> None:
        let_go_of_output()
        on_signal()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, on_signal)
    loop.add_signal_handler(signal.SIGHUP, on_hangup)
    return told


async def _set_when_wrapper_ends(told: asyncio.Event) -> None:
    """Stop when the `uv run` that started this process was killed: it was the process people see."""
    parent = os.getppid()
    await asyncio.sleep(WRAPPER_CHECK_SECONDS)  # the start needs this moment more
    import psutil

    with contextlib.suppress(psutil.Error):
        if psutil.Process(parent).name() != "uv":
            return
        while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells but looking
            await asyncio.sleep(WRAPPER_CHECK_SECONDS)
        told.set()


def _to_stderr(name: str, line: str) -> None:
    # A reader that went away (`2>&1 | head`) is no reason to stop.
    with contextlib.suppress(OSError):
        print(f"{name:<8} | {line}", file=sys.stderr, flush=True)


def _nowhere(_name: str, _line: str) -> None:
    """The dashboard shows lines from the status, and files keep them."""
