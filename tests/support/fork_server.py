"""Starts the project's programs as processes of their own by fork: only this process imports what they need.

    python -m tests.support.fork_server SOCKET

Each packet on the socket is an order (see `tests.support.forks`, its other end). The child becomes the
program as `exec` would have made it: its session, folder, environment, standard streams and arguments are its
own, it runs the same `main` as the installed command, and it ends as Python ends. All of them die with this
process.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import engine.server
import engine.store.crash_points
import tasker_tui.cli
import workers.runtime.main  # noqa: F401
from tasker_tui.cli.entry import main as tasker
from tasker_tui.dev.launch import die_with_parent
from tests.support import engine_process

PROGRAMS: dict[str, Callable[[], None]] = {"tasker": tasker, "engine": engine_process.main}
LONGEST_ORDER = 1 << 18
NOBODY = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Order:
    """What a child becomes. `streams` are its standard input, output and error."""

    program: str
    arguments: list[str]
    cwd: str
    environment: dict[str, str]
    streams: Sequence[int]


class Children:
    """Who runs, and the pipes into which their process ids and, at their end, exit codes are written."""

    def __init__(self) -> None:
        self._pipes: dict[int, int] = {}
        signal.signal(signal.SIGCHLD, self._reap)

    def fork(self, pipe: int) -> bool:
        """Fork; True in the child."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for other in (pipe, *self._pipes.values()):
                os.close(other)
        else:
            self._pipes[child] = pipe
            _write(pipe, child)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        return child == 0

    def _reap(self, *_: object) -> None:
        while self._pipes:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            pipe = self._pipes.pop(child)
            _write(pipe, os.waitstatus_to_exitcode(status))
            os.close(pipe)


def _write(pipe: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody asks any more
        os.write(pipe, f"{number}\n".encode())


def serve(orders: socket.socket) -> Order:
    """Fork for every order until there are no more; returns in the children alone."""
    children = Children()
    server = os.getpid()
    while True:
        packet, descriptors, _, _ = socket.recv_fds(orders, LONGEST_ORDER, 4)
        if not packet:
            sys.exit(0)
        *streams, pipe = descriptors
        if children.fork(pipe):
            orders.close()
            die_with_parent(server, signal.SIGKILL)
            return Order(**json.loads(packet), streams=streams)
        for descriptor in streams:
            os.close(descriptor)


def become(order: Order) -> None:
    """Run the program of an order in this process."""
    os.setsid()
    for number, descriptor in enumerate(order.streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(order.cwd)
    os.environ.clear()
    os.environ.update(order.environment)
    if order.environment.get("PYTHONUNBUFFERED"):
        sys.stdout.reconfigure(write_through=True)  # type: ignore[union-attr]
    places = order.environment.get("PYTHONPATH", "").split(os.pathsep)
    # This module's own folder came first; the installed command has that of its file, never the working one.
    sys.path[:1] = [str(Path(sys.executable).parent), *filter(None, places)]
    sys.argv = [order.program, *order.arguments]
    importlib.reload(engine.store.crash_points)  # it reads its variable when it is imported
    PROGRAMS[order.program]()


def import_everything() -> None:
    """Import what any command needs, also at its first word with a server."""
    for module in pkgutil.iter_modules(tasker_tui.cli.__path__):
        if module.name != "__main__":
            importlib.import_module(f"tasker_tui.cli.{module.name}")
    words: list[Any] = ["tasker", "task", "list", "--url", NOBODY]
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        sys.argv = words
        with contextlib.suppress(SystemExit):
            tasker()
    assert threading.active_count() == 1, "a process with threads must not fork"
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    orders = socket.socket(fileno=int(sys.argv[1]))
    import_everything()
    become(serve(orders))
