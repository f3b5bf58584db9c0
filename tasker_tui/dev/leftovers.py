"""Ends the server that an earlier run left on a data folder, so that the next one can have it."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path

import psutil

from tasker_tui.dev.errors import StackError

# How a server is asked to end, and how many seconds it gets: fast shutdown, immediate shutdown, the axe.
REQUESTS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
PID_FILE = "postmaster.pid"
SOCKET_LOCK = ".s.PGSQL.5432.lock"


def end_servers(database: Path, sockets: Path) -> None:
    """Stop whatever PostgreSQL still runs on the data directory and forget its lock files.

    A lock file is never believed alone: its number may belong to another program by now, which must not be
    signalled, or to a dead one that nobody collected; a new server would refuse to start for either.
    """
    pid_file = database / PID_FILE
    if not pid_file.exists():
        return
    _end(_postmasters(database))
    _end(_working_in(database))
    pid_file.unlink(missing_ok=True)
    (sockets / SOCKET_LOCK).unlink(missing_ok=True)


def _end(processes: list[psutil.Process]) -> None:
    alive = processes
    for request, patience in REQUESTS:
        if not alive:
            return
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(request)
        _, alive = psutil.wait_procs(alive, timeout=patience)
    if alive:
        numbers = ", ".join(str(process.pid) for process in alive)
        raise StackError(
            f"a PostgreSQL that an earlier run left cannot be ended (pid {numbers})", "end it by hand"
        )


def _postmasters(database: Path) -> list[psutil.Process]:
    """The server named by the pid file, when that process really is one and works in this directory."""
    try:
        process = psutil.Process(int((database / PID_FILE).read_text().split("\n", 1)[0]))
    except (OSError, ValueError, psutil.Error):
        return []
    return [process] if _works_in(process, database) else []


def _working_in(database: Path) -> list[psutil.Process]:
    """Backends that outlived a killed server: they hold its shared memory until they notice."""
    return [process for process in psutil.process_iter() if _works_in(process, database)]


def _works_in(process: psutil.Process, database: Path) -> bool:
    """Every process of a server has its data directory as working directory."""
    try:
        return process.name().startswith("postgres") and Path(process.cwd()) == database.resolve()
    except psutil.Error:
        return False
