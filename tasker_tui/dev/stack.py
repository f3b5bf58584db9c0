"""The local stack of `tasker dev`: PostgreSQL, engine and worker, each a process of its own.

A part that dies takes nothing else down and is started again. All of them end when this process does, however
it ends: the worker and the engine at once, PostgreSQL by a clean shutdown (see `launch.py`).
"""

from __future__ import annotations

import asyncio
import math
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TextIO

from tasker_tui.dev.command import Command, child_command
from tasker_tui.dev.errors import StackError
from tasker_tui.dev.folder import DataFolder, default_data_dir
from tasker_tui.dev.health import until_ready
from tasker_tui.dev.options import Sources, StackOptions, find_sources, process_environment
from tasker_tui.dev.ports import LOOPBACK, claim_ports
from tasker_tui.dev.postgres import EmbeddedPostgres
from tasker_tui.dev.process import OnLine, Plan, SupervisedProcess
from tasker_tui.dev.status import ProcessStatus

PARTS = "tasker_tui.cli.parts"
SERVER_STOP_SECONDS = 10.0
POSTGRES_STOP_SECONDS = 30.0
# What a worker gets beyond its own drain time-out before it is killed.
DRAIN_MARGIN_SECONDS = 5.0


class Stack:
    """Starts, watches and stops the processes. `on_line` gets each line that one of them writes.

    `start` returns when all are started, `ready` when tasks can be created; `stop` drains and ends them.
    """

    def __init__(self, options: StackOptions, on_line: OnLine) -> None:
        self._options = options
        self._on_line = on_line
        self._sources = find_sources(options)
        self._port, self._worker_port = claim_ports(options.port, options.worker_port)
        self._folder: DataFolder | None = None
        self._postgres: EmbeddedPostgres | None = None
        self._processes: list[SupervisedProcess] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._reload: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._logs: dict[str, TextIO] = {}

    @property
    def url(self) -> str:
        """The address of the engine's REST API."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def data_dir(self) -> Path | None:
        """The data folder in use; None with a database of the user's."""
        return self._folder.path if self._folder else None

    def status(self) -> tuple[ProcessStatus, ...]:
        """All processes as they are now, in the order in which they are started."""
        return tuple(process.status() for process in self._processes)

    async def changes(self) -> AsyncIterator[tuple[ProcessStatus, ...]]:
        """The status, now and again whenever a process changes its state."""
        while True:
            self._changed.clear()
            yield self.status()
            await self._changed.wait()

    def restart(self, name: str) -> None:
        """Let one process finish what it runs and start it again."""
        self._named(name).restart()

    async def start(self) -> None:
        """Start everything. Raises StackError or MigrationError when the database cannot be had."""
        dsn = self._options.database_url or await self._start_postgres()
        await self._migrate(dsn)
        environment = process_environment(self._options, self._sources, dsn, self._port, self._worker_port)
        self._supervise(self._part("server", environment, self._port, SERVER_STOP_SECONDS))
        drain = self._options.drain_seconds + DRAIN_MARGIN_SECONDS
        self._supervise(self._part("worker", environment, self._worker_port, drain))
        if self._options.reload:
            self._reload = asyncio.create_task(self._restart_worker_on_changes(self._sources))

    async def ready(self) -> None:
        """Wait until tasks can be created: the engine answers, and the worker knows its templates."""
        for process in self._processes:
            await process.ready.wait()

    async def stop(self) -> None:
        """End the worker after it has drained, then the engine, then PostgreSQL; safe at any time."""
        if self._reload:
            self._reload.cancel()
        for process in reversed(self._processes):
            process.stop()
            await self._tasks[process.plan.name]
        for log in self._logs.values():
            log.close()
        if self._postgres:
            self._postgres.clean_up()
        if self._folder:
            self._folder.release()

    def hurry(self) -> None:
        """Give up draining: kill the worker and the engine now."""
        for process in self._processes:
            if process.plan.name != "postgres":
                process.kill()

    async def _start_postgres(self) -> str:
        self._folder = DataFolder(self._options.data_dir or default_data_dir())
        self._folder.acquire()
        self._postgres = postgres = EmbeddedPostgres(self._folder)
        await asyncio.to_thread(postgres.prepare, fresh=self._options.fresh)

        async def command() -> Command:
            await asyncio.to_thread(postgres.prepare)
            return postgres.command()

        async def ready() -> None:
            await postgres.ready(timeout=math.inf)

        process = self._supervise(Plan("postgres", command, ready, signal.SIGINT, POSTGRES_STOP_SECONDS))
        failed, came_up = (asyncio.create_task(event.wait()) for event in (process.failed, process.ready))
        await asyncio.wait((failed, came_up), return_when=asyncio.FIRST_COMPLETED)
        came_up.cancel()
        failed.cancel()
        if process.failed.is_set():
            said = [line for line in process.status().last_lines if "FATAL" in line]
            raise StackError(
                f"PostgreSQL {process.last_end}: {''.join(said[-1:])}", f"see {self._folder.logs}"
            )
        return postgres.dsn

    async def _migrate(self, dsn: str) -> None:
        from engine.store.migrate import migrate

        report = await migrate(dsn)
        for change in report.changes:
            self._keep("migrate", f"applied {change.kind} {change.name}")

    def _part(self, name: str, environment: Mapping[str, str], port: int, stop_seconds: float) -> Plan:
        async def command() -> Command:
            argv = [sys.executable, "-m", PARTS, name]
            return child_command(argv, cwd=Path.cwd(), death_signal=signal.SIGKILL)

        async def ready() -> None:
            await until_ready(port)

        return Plan(name, command, ready, signal.SIGTERM, stop_seconds, environment)

    def _supervise(self, plan: Plan) -> SupervisedProcess:
        process = SupervisedProcess(plan, self._keep, self._changed.set)
        self._processes.append(process)
        self._tasks[plan.name] = asyncio.create_task(process.run())
        return process

    def _keep(self, name: str, line: str) -> None:
        """Pass a line on, and write it to the process's file in the data folder."""
        self._on_line(name, line)
        if self._folder:
            if name not in self._logs:
                self._logs[name] = (self._folder.logs / f"{name}.log").open("w", buffering=1)
            self._logs[name].write(f"{line}\n")

    async def _restart_worker_on_changes(self, sources: Sources) -> None:
        from tasker_tui.dev.reload import changes

        async for changed in changes(sources.watched):
            self._named("worker").say(f"{', '.join(changed)} changed; the worker restarts")
            self.restart("worker")

    def _named(self, name: str) -> SupervisedProcess:
        return next(process for process in self._processes if process.plan.name == name)
