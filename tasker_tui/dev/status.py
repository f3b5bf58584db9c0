"""What is known about the processes of the local stack, as values that a screen can show."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil


class State(StrEnum):
    """Where a process is between being asked for and being gone."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    RESTARTING = "restarting"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One process; `detail` says why it is in this state where that is not plain, `since` when it came to it.

    `reloads` counts the starts because of an edit, `restarts` all others but the first.
    """

    name: str
    state: State
    pid: int | None
    restarts: int
    reloads: int
    detail: str
    since: datetime
    last_lines: tuple[str, ...]


class Meter:
    """Measures a process and its descendants; keeps what a rate needs between two looks."""

    def __init__(self) -> None:
        self._known: dict[int, psutil.Process] = {}

    def read(self, pid: int) -> tuple[float, int]:
        """CPU in percent of one core since the last look, and memory in bytes."""
        import psutil

        self._refresh(pid)
        cpu, memory = 0.0, 0
        for process in self._known.values():
            with contextlib.suppress(psutil.Error):
                cpu += process.cpu_percent()
                memory += _share_of_memory(process)
        return cpu, memory

    def _refresh(self, pid: int) -> None:
        import psutil

        found: Iterable[psutil.Process] = ()
        with contextlib.suppress(psutil.NoSuchProcess):
            root = self._known.get(pid) or psutil.Process(pid)
            found = (root, *root.children(recursive=True))
        self._known = {process.pid: self._known.get(process.pid, process) for process in found}


def _share_of_memory(process: psutil.Process) -> int:
    """Shared pages divided among their users where the system tells, so that a sum counts them once."""
    info = process.memory_full_info()
    return int(getattr(info, "pss", info.rss))
