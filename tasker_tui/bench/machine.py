"""The machine that figures belong to."""

from __future__ import annotations

import os
import platform
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil

GIBIBYTE = 1024**3
QUIET_LOAD = 0.3


@dataclass(frozen=True, slots=True)
class Machine:
    """`load` is the average of the last minute when the bench began: with much more than 0 others used the
    machine. `filesystem` is what the bench's own stack keeps its data on."""

    processor: str
    cores: int
    memory_gib: float
    system: str
    python: str
    filesystem: str
    load: float

    @property
    def is_quiet(self) -> bool:
        """Whether nobody else seemed to work."""
        return self.load <= QUIET_LOAD * self.cores


def this_machine() -> Machine:
    """Look."""
    return Machine(
        _processor(),
        os.cpu_count() or 1,
        round(psutil.virtual_memory().total / GIBIBYTE, 1),
        f"{platform.system()} {platform.release()}",
        platform.python_version(),
        _filesystem(Path(tempfile.gettempdir())),
        round(psutil.getloadavg()[0], 2),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _filesystem(path: Path) -> str:
    places = [part for part in psutil.disk_partitions(all=True) if path.is_relative_to(part.mountpoint)]
    return max(places, key=lambda part: len(part.mountpoint)).fstype if places else "unknown"
