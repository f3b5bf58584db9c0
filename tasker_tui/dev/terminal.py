"""What happens to the foreground process when its terminal is closed."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time

CHECK_SECONDS = 1.0
STUCK_SECONDS = 5.0


def let_go_of_output() -> None:
    """Send what is written from now on nowhere: the terminal it was for is gone, and would refuse it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for output in (1, 2):
        os.dup2(nowhere, output)
    os.close(nowhere)


def end_when_stuck_without_terminal(loop: asyncio.AbstractEventLoop) -> None:
    """Kill this process when its terminal is closed and its event loop then stands still for 5 s.

    A dashboard that was drawing waits for ever for its writer, which the closed terminal ended, and with it
    waits the loop that would stop the stack. The parts of the stack end with this process.
    """
    threading.Thread(target=_guard, args=(loop,), daemon=True).start()


def _guard(loop: asyncio.AbstractEventLoop) -> None:
    while _terminal_is_there():
        time.sleep(CHECK_SECONDS)
    while _turns(loop):
        time.sleep(CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _terminal_is_there() -> bool:
    try:
        return bool(os.ttyname(1))
    except OSError:
        return False


def _turns(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether the loop runs what it is given within 5 s."""
    turned = threading.Event()
    try:
        loop.call_soon_threadsafe(turned.set)
    except RuntimeError:  # it is closed: this process is about to end by itself
        return True
    return turned.wait(STUCK_SECONDS)
