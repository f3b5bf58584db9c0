"""Servers and workers as processes of their own, on a database of the test run's PostgreSQL.

Acceptance tests share such a stack: `running_stack` starts it, the tests speak to it over HTTP alone.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from tasker_tui.dev.health import until_ready
from tasker_tui.dev.ports import LOOPBACK, claim_ports
from tests.support.brokers import broker_variables
from tests.support.forks import FORKS, Forked
from tests.support.postgres import PgServer

READY_SECONDS = 30.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.1
SECRET = "hunter2-of-the-e2e-suite"
"""The password in the stack's DATABASE_URL: nothing checks it, and nobody may be shown it."""

Environment = Mapping[str, str]


@dataclass(slots=True)
class Process:
    """A server or a worker. `log` is the file that it writes to."""

    name: str
    port: int
    log: Path
    popen: Forked

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.popen.poll() is None

    async def until_ready(self) -> None:
        """Wait for it; raises what it last said if it ends, or is not ready within 30 s."""
        ready = asyncio.create_task(until_ready(self.port))
        deadline = time.monotonic() + READY_SECONDS
        while not ready.done() and self.alive and time.monotonic() < deadline:
            await asyncio.wait((ready,), timeout=POLL_SECONDS)
        if not ready.done():
            ready.cancel()
            self.popen.kill()
            raise AssertionError(f"{self.name} did not get ready:\n{self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        """SIGKILL: it gets no chance to tidy up."""
        self.popen.kill()
        self.popen.wait()

    async def stop(self) -> int:
        """SIGTERM, and wait until it has drained; its exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """Wait until it has ended; its exit code."""
        return await asyncio.to_thread(self.popen.wait, STOP_SECONDS)


@dataclass(slots=True)
class Stack:
    """Processes on one database. What is started here is stopped with the stack."""

    dsn: str
    folder: Path
    environment: Environment
    servers: list[Process] = field(default_factory=list)
    workers: list[Process] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The first server."""
        return self.servers[0].url

    async def start_server(self, environment: Environment | None = None) -> Process:
        """One more server, ready for requests."""
        server = self._spawn("server", len(self.servers), environment or {})
        self.servers.append(server)
        await server.until_ready()
        return server

    async def start_worker(self, environment: Environment | None = None) -> Process:
        """One more worker, ready for steps."""
        worker = self._spawn("worker", len(self.workers), environment or {})
        self.workers.append(worker)
        await worker.until_ready()
        return worker

    async def execute(self, *statements: str) -> None:
        """Run SQL on the stack's database, in one transaction: what nobody can do over HTTP."""
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute("; ".join(statements))
        finally:
            await connection.close()

    async def retry_now(self, task: str) -> None:
        """Let the waits of a task's steps be over, which are long for a test that looks at them."""
        await self.execute(
            f"WITH due AS (UPDATE tasker.steps SET retry_at = tasker.now() WHERE task_uuid = '{task}' "
            "AND state = 'waiting_for_retry' RETURNING step_uuid) "
            "UPDATE tasker.step_retries SET retry_at = tasker.now() WHERE step_uuid IN (SELECT * FROM due)"
        )

    @asynccontextmanager
    async def locked(self, table: str) -> AsyncIterator[None]:
        """Keep everybody from a table of the stack's database, for the length of a `with` block."""
        connection = await asyncpg.connect(self.dsn)
        try:
            async with connection.transaction():
                await connection.execute(f"LOCK TABLE tasker.{table}")
                yield
        finally:
            await connection.close()

    def _spawn(self, part: str, number: int, environment: Environment) -> Process:
        ports = claim_ports(0, 0)
        port = ports.server if part == "server" else ports.worker
        name = f"{part}-{number + 1}"
        log = self.folder / f"{name}.log"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TASKER_")}
        with log.open("wb") as output:
            popen = FORKS.start(
                "tasker",
                [part],
                cwd=self.folder,
                env={
                    **inherited,
                    "XDG_CACHE_HOME": str(self.folder / "cache"),
                    "DATABASE_URL": _with_password(self.dsn),
                    f"TASKER_{part.upper()}_PORT": str(port),
                    **self.environment,
                    **environment,
                },
                stdout=output,
            )
        return Process(name, port, log, popen)

    async def stop(self) -> None:
        """End the workers, then the servers; fails for one that does not stop cleanly."""
        for processes in (self.workers, self.servers):
            running = [one for one in processes if one.alive]
            codes = await asyncio.gather(*(one.stop() for one in running))
            for process, code in zip(running, codes, strict=True):
                assert code == 0, f"{process.name} ended with {code}:\n{process.log.read_text()[-3000:]}"

    def kill(self) -> None:
        """End whatever still runs."""
        for process in (*self.workers, *self.servers):
            if process.alive:
                process.kill()

    def assert_quiet_logs(self) -> None:
        """Nothing was logged that a process did not expect."""
        for process in (*self.workers, *self.servers):
            text = process.log.read_text(errors="replace")
            assert "Traceback" not in text, f"{process.name} logged:\n{_around(text, 'Traceback')}"


@asynccontextmanager
async def running_stack(
    pg_server: PgServer,
    folder: Path,
    environment: Environment,
    *,
    servers: int = 1,
    workers: int = 1,
) -> AsyncIterator[Stack]:
    """Servers and workers with the same settings, for the length of a `with` block."""
    async with pg_server.new_database() as dsn:
        stack = Stack(dsn, folder, {**await broker_variables(dsn), **environment})
        try:
            await asyncio.gather(
                *(stack.start_server() for _ in range(servers)),
                *(stack.start_worker() for _ in range(workers)),
            )
            yield stack
            await stack.stop()
            stack.assert_quiet_logs()
        finally:
            stack.kill()


def _with_password(dsn: str) -> str:
    return dsn.replace("@", f":{SECRET}@", 1)


def _around(text: str, word: str) -> str:
    at = text.index(word)
    return text[max(0, at - 500) : at + 3000]
