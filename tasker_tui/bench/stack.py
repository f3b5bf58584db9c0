"""A system of the bench's own: `tasker dev --headless` in a folder that is removed afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

from tasker_tui.bench.errors import BenchError
from tasker_tui.bench.target import Target
from tasker_tui.dev.folder import DataFolder
from tasker_tui.dev.options import Broker
from tasker_tui.dev.postgres import EmbeddedPostgres

SLOTS = 200
START_SECONDS = 90.0
STOP_SECONDS = 45.0
TEMPLATES = Path(__file__).parents[2] / "workers" / "bench" / "templates"
HANDLERS = "workers.bench.handlers"
SETTINGS = {
    "TASKER_WORKER_SLOTS": str(SLOTS),
    "TASKER_WORKER_DRAIN_TIMEOUT_SECONDS": "1",
    "TASKER_LOGGING_LEVEL": "warning",
    # What is measured is how fast a full queue is worked off.
    "TASKER_BACKPRESSURE_QUEUE_CRITICAL": "10000000",
    "TASKER_BACKPRESSURE_QUEUE_OVERFLOW": "10000000",
}


@asynccontextmanager
async def scratch_folder() -> AsyncIterator[Path]:
    """A folder for a stack's data, gone afterwards. TMPDIR says on which disk."""
    with tempfile.TemporaryDirectory(prefix="tasker-bench-") as scratch:
        yield Path(scratch) / "data"


@asynccontextmanager
async def own_stack(broker: Broker = "pgmq") -> AsyncIterator[Target]:
    """A running stack with the bench's workflows, on free ports and an empty database."""
    async with scratch_folder() as data, running_stack(data, broker) as target:
        yield target


@asynccontextmanager
async def running_stack(data: Path, broker: Broker = "pgmq") -> AsyncIterator[Target]:
    """A stack on a data folder; raises BenchError with its last words when it does not start."""
    log = data.with_name("stack.log")
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *_command(data, broker),
            env={**os.environ, **SETTINGS},
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
            start_new_session=True,
        )
    try:
        url = await _ready(process, log)
        yield Target(url, EmbeddedPostgres(DataFolder(data)).dsn, dict(_parts(process.pid)))
    finally:
        await end(process)


async def seconds_to_ready(data: Path) -> float:
    """How long a stack takes from the command to its line `ready`; it is stopped again."""
    began = time.perf_counter()
    async with running_stack(data):
        return time.perf_counter() - began


def _command(data: Path, broker: Broker) -> list[str]:
    dev = [sys.executable, "-m", "tasker_tui.cli", "dev", "--headless", "--no-reload", "--broker", broker]
    ports = ["--port", "0", "--worker-port", "0"]
    return [*dev, *ports, "--data-dir", str(data), "--templates", str(TEMPLATES), "--handlers", HANDLERS]


async def _ready(process: asyncio.subprocess.Process, log: Path) -> str:
    assert process.stdout is not None
    with suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS):
            async for line in process.stdout:
                word, _, url = line.decode().strip().partition(" ")
                if word == "ready":
                    return url
    raise BenchError(f"tasker dev did not start: {last_words(log)}", "try `tasker dev --headless`")


def last_words(log: Path) -> str:
    """The end of what a process wrote."""
    return " / ".join(log.read_text(errors="replace").splitlines()[-3:])


def _parts(stack: int) -> Iterator[tuple[str, int]]:
    """The processes below `tasker dev`, known by what they run."""
    for process in psutil.Process(stack).children():
        with suppress(psutil.Error):
            words = process.cmdline()
            if words and (name := _part_of(words)):
                yield name, process.pid


def _part_of(words: list[str]) -> str | None:
    if words[-1] in ("server", "worker"):
        return words[-1]
    programs = {"postgres": "postgres", "beam.smp": "rabbitmq"}
    return programs.get(Path(words[0]).name)


async def end(process: asyncio.subprocess.Process) -> None:
    """Have a process end in order; kill it when it does not."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()  # its children end with it
        await process.wait()
