"""More engines and workers on the database of a stack of the bench's own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from tasker_tui.bench.errors import BenchError
from tasker_tui.bench.stack import HANDLERS, SETTINGS, START_SECONDS, TEMPLATES, end, last_words
from tasker_tui.bench.target import Target
from tasker_tui.dev.command import child_command
from tasker_tui.dev.health import until_ready
from tasker_tui.dev.ports import LOOPBACK, claim_ports

Part = Literal["server", "worker"]


@asynccontextmanager
async def one_more_engine(target: Target) -> AsyncIterator[Target]:
    """The target with another engine, for the length of a `with` block."""
    async with _instance(target, "server") as port:
        yield replace(target, more_engines=(*target.more_engines, f"http://{LOOPBACK}:{port}"))


@asynccontextmanager
async def more_workers(target: Target, count: int) -> AsyncIterator[None]:
    """So many more workers, alike the one that the stack has, for the length of a `with` block."""
    async with AsyncExitStack() as started:
        for _ in range(count):
            await started.enter_async_context(_instance(target, "worker"))
        yield


@asynccontextmanager
async def _instance(target: Target, part: Part) -> AsyncIterator[int]:
    """A process that is ready, and the port that it listens on; raises BenchError when it does not get so."""
    with tempfile.TemporaryDirectory(prefix="tasker-bench-") as scratch:
        log, port = Path(scratch) / "log", getattr(claim_ports(0, 0), part)
        argv = [sys.executable, "-m", "tasker_tui.cli", part]
        command = child_command(argv, cwd=Path(scratch), death_signal=signal.SIGTERM)
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command.argv,
                cwd=command.cwd,
                env={**os.environ, **SETTINGS, **_settings(target, part, port)},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(START_SECONDS):
                await until_ready(port)
            yield port
        except TimeoutError:
            raise BenchError(f"another {part} did not start: {last_words(log)}", "try `tasker dev`") from None
        finally:
            await end(process)


def _settings(target: Target, part: Part, port: int) -> dict[str, str]:
    return {
        "DATABASE_URL": target.dsn,
        f"TASKER_{part.upper()}_PORT": str(port),
        "TASKER_WORKER_TEMPLATES": str(TEMPLATES),
        "TASKER_WORKER_HANDLERS": HANDLERS,
    }
