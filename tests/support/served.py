"""An application behind a real port, and the command `tasker` as a process that speaks to it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import uvicorn

from tests.support.waiting import until

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("TASKER_")}


class Ended(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Serve on a free port of this machine for the length of a `with` block; gives the URL."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="warning"))
    running = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await until(started, "the application is served")
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


async def tasker(url: str, *arguments: str) -> Ended:
    """Run `tasker` against a server."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tasker_tui.cli", *arguments, env=ENVIRONMENT | {"TASKER_URL": url},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return Ended(process.returncode or 0, out.decode(), err.decode())
