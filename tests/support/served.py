"""An application behind a real port, and the command `tasker` that speaks to it."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from typing import Any, NamedTuple

import uvicorn

from tasker_tui.cli.entry import run_command
from tasker_tui.cli.errors import exit_code_of
from tests.support.waiting import until


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
    """Run the command `tasker` against a server, in a thread of this process."""
    return await asyncio.to_thread(_run, ["tasker", *arguments, "--url", url])


async def tasker_alone(*arguments: str) -> Ended:
    """Run the command `tasker` where it speaks to no server."""
    return await asyncio.to_thread(_run, ["tasker", *arguments])


def _run(argv: list[str]) -> Ended:
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = argv
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = exit_code_of(run_command)
    finally:
        sys.argv = before
    return Ended(code, out.getvalue(), err.getvalue())
