"""Runs the local stack in the foreground until it is told to stop: alone, or below the dashboard."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from tasker_tui.dev.options import StackOptions
from tasker_tui.dev.stack import Stack

Options = Callable[[], StackOptions]
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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

    async def serve() -> None:
        print("starting PostgreSQL, the engine and a worker …", file=sys.stderr)
        await _bring_up(stack)
        from tasker_tui.app import run_async

        await run_async(stack.url, stack=stack)
        print("stopping: the worker finishes what it runs …", file=sys.stderr)

    await _until_told(stack, serve)


async def _bring_up(stack: Stack) -> None:
    await stack.start()
    await stack.ready()


async def _until_told(stack: Stack, serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `serve` until it ends or a signal comes, then stop the stack in either case."""
    serving = asyncio.create_task(serve())
    signalled = asyncio.Event()

    def on_signal() -> None:
        if signalled.is_set():
            stack.hurry()
        signalled.set()

    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, on_signal)
    try:
        await _first_of(serving, signalled.wait())
    finally:
        await stack.stop()


async def _first_of(serving: asyncio.Task[None], told: Awaitable[object]) -> None:
    waiting = asyncio.ensure_future(told)
    await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        waiting.cancel()
        serving.result()
        return
    serving.cancel()
    await asyncio.wait((serving,))


def _to_stderr(name: str, line: str) -> None:
    print(f"{name:<8} | {line}", file=sys.stderr, flush=True)


def _nowhere(_name: str, _line: str) -> None:
    """The dashboard shows lines from the status, and files keep them."""
