"""What to run for a child of the local stack, in a form that any way of starting processes can use."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments, and the folder that it is started in."""

    argv: list[str]
    cwd: Path


def child_command(argv: list[str], *, cwd: Path, death_signal: signal.Signals, uid: int = 0) -> Command:
    """The command that runs `argv` as `uid` (0: as we are) and signals it when this process ends.

    To be started from the main thread: the kernel takes the end of the starting thread for the parent's.
    """
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(death_signal)), str(uid)]
    return Command([*launcher, *argv], cwd)
