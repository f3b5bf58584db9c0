"""What the processes of a system use while something is measured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tasker_tui.dev.status import Meter

SAMPLE_SECONDS = 0.5
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU in percent of one core over the whole measurement, and the most memory seen (its proportional
    share, in MiB), of a process with its children."""

    cpu_percent: float
    memory_mib: float


class Watch:
    """Filled when the measurement ends."""

    def __init__(self) -> None:
        self.usage: dict[str, Usage] = {}


@asynccontextmanager
async def watching(processes: Mapping[str, int]) -> AsyncIterator[Watch]:
    """Watch processes for the length of a `with` block; the result is in the Watch afterwards."""
    watch = Watch()
    meters = {name: Meter() for name in processes}
    memory = dict.fromkeys(processes, 0)
    for name, pid in processes.items():
        meters[name].read(pid)

    async def sample() -> None:
        while True:
            await asyncio.sleep(SAMPLE_SECONDS)
            for name, pid in processes.items():
                memory[name] = max(memory[name], memory_of(pid))

    sampling = asyncio.create_task(sample())
    try:
        yield watch
    finally:
        sampling.cancel()
        for name, pid in processes.items():
            cpu, held = meters[name].read(pid)
            watch.usage[name] = Usage(round(cpu, 1), round(max(memory[name], held) / MEBIBYTE, 1))


def memory_of(pid: int) -> int:
    """Bytes of a process and its children, shared pages divided among their users."""
    return Meter().read(pid)[1]
