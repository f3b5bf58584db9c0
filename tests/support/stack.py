"""Engines and workers as processes of their own against a test's database, so that they can be killed.

The fixture `stack` starts none; a test starts what it needs with `engine()` and `worker()`.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.support.brokers import broker_variables
from tests.support.engine_process import READY
from tests.support.forks import FORKS, ROOT, Program
from tests.support.waiting import until
from tests.support.workflows import NAMESPACE, Workflows

HANDLERS = Path(__file__).with_name("step_handlers.py")
WORKER_READY = re.compile(r"worker (\S+) runs with")
WORKER_PORT = re.compile(r"at (http://127\.0\.0\.1:\d+)")


class Part:
    """A process whose output goes to a file."""

    def __init__(self, program: Program, arguments: list[str], env: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = FORKS.start(program, arguments, cwd=log.parent, env=env, stdout=output)

    @property
    def output(self) -> str:
        """What it has written so far."""
        return self.log.read_text(errors="replace")

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL it, and collect it."""
        if self.alive:
            self.process.kill()
        self.process.wait()

    async def ended(self, timeout: float = 30.0) -> int:
        """Wait until it has ended; returns its exit code, negative for a signal."""

        async def has_ended() -> bool:
            return not self.alive

        await until(has_ended, f"{self.log.stem} ends", timeout)
        return self.process.wait()

    async def wrote(self, pattern: re.Pattern[str], timeout: float = 30.0) -> re.Match[str]:
        """Wait for output; fails with all of it when the process ends before."""

        async def found() -> re.Match[str] | None:
            match = pattern.search(self.output)
            assert match or self.alive, f"{self.log.stem} ended with {self.process.poll()}:\n{self.output}"
            return match

        match = await until(found, f"{self.log.stem} writes {pattern.pattern!r}", timeout)
        assert match is not None
        return match


class WorkerPart(Part):
    """A worker. `url` is its HTTP port, known once it is ready."""

    uuid = ""
    url = ""

    async def ready(self) -> None:
        """Wait until it claims."""
        self.uuid = (await self.wrote(WORKER_READY))[1]
        self.url = (await self.wrote(WORKER_PORT))[1]

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask its HTTP port."""
        async with httpx.AsyncClient(base_url=self.url, timeout=10) as client:
            return await client.get(path, headers=headers)

    async def messages(self) -> dict[str, int]:
        """What became of the messages that it got."""
        counts: dict[str, int] = (await self.get("/metrics/worker")).json()["messages"]
        return counts


class Stack:
    """The processes of one database. `folder` holds their logs, the handlers' gates and effects."""

    def __init__(
        self, dsn: str, folder: Path, conn: asyncpg.Connection, broker: dict[str, str] | None = None
    ) -> None:
        self.dsn = dsn
        self.broker = broker or {}
        self.folder = folder
        self.flows = Workflows(conn)
        self.parts: list[Part] = []

    async def engine(self, **env: str) -> Part:
        """Start an engine and wait until it runs."""
        part = self.start_engine(**env)
        await part.wrote(re.compile(READY))
        return part

    def start_engine(self, **env: str) -> Part:
        """Start an engine."""
        part = Part("engine", [], self._env(env), self._log("engine"))
        self.parts.append(part)
        return part

    async def worker(self, *, slots: int = 10, **options: Any) -> WorkerPart:
        """Start a worker of the tests' handlers and wait until it claims; options as of `start_worker`."""
        part = self.start_worker(slots=slots, **options)
        await part.ready()
        return part

    def start_worker(
        self,
        *,
        slots: int = 10,
        lease: float = 10.0,
        drain: float = 25.0,
        dsn: str | None = None,
        port: int = 0,
        handlers: Path = HANDLERS,
        arguments: tuple[str, ...] = (),
        **env: str,
    ) -> WorkerPart:
        """Start a worker; `env` are environment variables."""
        options = ["--handlers", str(handlers), "--namespace", NAMESPACE, "--slots", str(slots)]
        options += ["--port", str(port), "--drain-timeout", str(drain), *arguments]
        env = {"TASKER_LEASE_SECONDS": str(lease), "DATABASE_URL": dsn or self.dsn} | env
        part = WorkerPart("tasker", ["worker", *options], self._env(env), self._log("worker"))
        self.parts.append(part)
        return part

    def open_gate(self, name: str) -> None:
        """Let the handlers that wait at a gate go on."""
        (self.folder / f"{name}.gate").touch()

    def effects(self) -> list[str]:
        """What handlers did, a line each: `step attempt` (see step_handlers.py)."""
        path = self.folder / "effects"
        return path.read_text().splitlines() if path.exists() else []

    async def has_effect(self, line: str, timeout: float = 30.0) -> None:
        """Wait until a handler did something."""

        async def done() -> bool:
            return line in self.effects()

        await until(done, f"a handler did {line!r}", timeout)

    def end(self) -> None:
        """Kill what is left."""
        for part in self.parts:
            part.kill()

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}-{len(self.parts)}.log"

    def _env(self, given: dict[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TASKER_")}
        ours = {
            "DATABASE_URL": self.dsn,
            "TASKER_ENV": "test",
            "TEST_FOLDER": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
        return inherited | ours | self.broker | given


@asynccontextmanager
async def stack_on(dsn: str, folder: Path) -> AsyncIterator[Stack]:
    """A stack for the length of a `with` block."""
    conn = await asyncpg.connect(dsn)
    stack = Stack(dsn, folder, conn, await broker_variables(dsn))
    try:
        yield stack
    finally:
        stack.end()
        await conn.close()


@pytest.fixture
async def stack(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stack]:
    """A stack on a database of the test's own. What its processes wrote is shown when the test fails."""
    async with stack_on(database, tmp_path) as running:
        yield running
        for part in running.parts:
            print(f"--- {part.log.name}\n{part.output}")
