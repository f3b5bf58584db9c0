"""The servers under chaos runs: PostgreSQL, and RabbitMQ where it carries the messages; they outlive runs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from engine.store.migrate import migrate
from tasker_tui.chaos.errors import ChaosError
from tasker_tui.dev.command import Command
from tasker_tui.dev.folder import DataFolder
from tasker_tui.dev.options import Broker
from tasker_tui.dev.postgres import NAME, EmbeddedPostgres
from tasker_tui.dev.rabbitmq import PrivateRabbit

READY_SECONDS = 90.0
SETTINGS = {"fsync": "off"}
"""What a killed server has written is with the system and safe; fsync protects from a machine that dies, and
would make a recovery from a crash take half a minute. Commits stay synchronous, whole pages are logged."""


class Server:
    """A server that is started, restarted and killed. `start` returns when it takes connections."""

    def __init__(
        self,
        prepare: Callable[[], Awaitable[None]],
        command: Callable[[], Command],
        ready: Callable[[], Awaitable[None]],
        log: Path,
        stop_signal: signal.Signals,
    ) -> None:
        self._prepare = prepare
        self._command = command
        self._ready = ready
        self._log = log
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it; raises ChaosError when it does not get ready."""
        await self._prepare()
        command = self._command()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - of the main thread, which it ends with
                command.argv, cwd=command.cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._ready()
        except TimeoutError:
            words = self._log.read_text(errors="replace").splitlines()[-3:]
            raise ChaosError(
                f"{self._log.stem} does not start: {' / '.join(words)}", f"see {self._log}"
            ) from None

    async def stop(self) -> None:
        """Let it end in order."""
        await self._end(self._stop_signal)

    async def kill(self) -> None:
        """SIGKILL it: it gets no chance to tidy up."""
        await self._end(signal.SIGKILL)

    async def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            await asyncio.to_thread(self._process.wait)
            self._process = None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, with all processes that it is made of."""
        if self._process is not None:
            os.killpg(self._process.pid, number)


class Postgres(Server):
    """The embedded server."""

    def __init__(self, folder: DataFolder) -> None:
        self._server = EmbeddedPostgres(folder, overrides=SETTINGS)
        super().__init__(
            partial(asyncio.to_thread, self._server.prepare),
            self._server.command,
            self._server.ready,
            folder.logs / "postgres.log",
            signal.SIGINT,
        )

    def dsn(self, database: str) -> str:
        """The URL of a database."""
        return urlsplit(self._server.dsn)._replace(path=f"/{database}").geturl()

    async def execute(self, statement: str) -> None:
        """Run a statement outside of any run's database."""
        conn = await asyncpg.connect(self.dsn("postgres"))
        try:
            await conn.execute(statement)
        finally:
            await conn.close()

    @asynccontextmanager
    async def new_database(self, name: str) -> AsyncIterator[str]:
        """A migrated database for the length of a `with` block; gives its URL."""
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {NAME}")
        try:
            yield self.dsn(name)
        finally:
            await self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def clean_up(self) -> None:
        """Remove what a stopped server needs no more."""
        self._server.clean_up()


class Rabbit(Server):
    """A private node."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._node = PrivateRabbit(folder)
        self._empty = False
        super().__init__(
            self._prepare_node, self._node.command, self._node.ready, folder / "rabbitmq.log", signal.SIGTERM
        )

    @property
    def url(self) -> str:
        """Where it listens; known once it was started."""
        return self._node.url

    async def start_empty(self) -> None:
        """Start it without anything that it kept."""
        self._empty = True
        await self.start()

    async def _prepare_node(self) -> None:
        # Not in a thread: it starts a process that is to end with this one.
        self._node.prepare(fresh=self._empty)
        self._empty = False

    def clean_up(self) -> None:
        """End what a stopped node leaves."""
        self._node.clean_up()


class Servers:
    """What a series of runs stands on."""

    def __init__(self, postgres: Postgres, rabbit: Rabbit | None) -> None:
        self.postgres = postgres
        self.rabbit = rabbit


@asynccontextmanager
async def running_servers(folder: Path, broker: Broker) -> AsyncIterator[Servers]:
    """Servers in a folder for the length of a `with` block; raises StackError or ChaosError."""
    with DataFolder(folder) as data:
        postgres = Postgres(data)
        rabbit = Rabbit(folder / "rabbitmq") if broker == "rabbitmq" else None
        try:
            await postgres.start()
            await migrate(postgres.dsn(NAME))
            if rabbit:
                await rabbit.start()
            yield Servers(postgres, rabbit)
        finally:
            if rabbit:
                await rabbit.kill()
                rabbit.clean_up()
            await postgres.stop()
            postgres.clean_up()
