"""The local stack of `tasker dev`: PostgreSQL, RabbitMQ on demand, engine and worker, each its own process.

A part that dies takes nothing else down and is started again. All of them end when this process does, however
it ends: the worker and the engine at once, PostgreSQL by a clean shutdown (see `launch.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from tasker_tui.dev.command import Command, child_command
from tasker_tui.dev.errors import StackError
from tasker_tui.dev.folder import DataFolder, default_data_dir
from tasker_tui.dev.health import until_ready
from tasker_tui.dev.options import StackOptions, find_sources, process_environment
from tasker_tui.dev.ports import LOOPBACK, Ports, claim_ports
from tasker_tui.dev.process import OnLine, Plan, SupervisedProcess
from tasker_tui.dev.status import ProcessStatus, State

if TYPE_CHECKING:
    from tasker_tui.dev.checks import FactsOfWorker
    from tasker_tui.dev.control import Control
    from tasker_tui.dev.edits import Edits
    from tasker_tui.dev.postgres import EmbeddedPostgres
    from tasker_tui.dev.rabbitmq import PrivateRabbit
    from tasker_tui.dev.report import StackReport

PARTS = "tasker_tui.cli.parts"
SERVER_STOP_SECONDS = 10.0
POSTGRES_STOP_SECONDS = 30.0
RABBITMQ_STOP_SECONDS = 10.0
# What a worker gets beyond its own drain time-out before it is killed.
DRAIN_MARGIN_SECONDS = 5.0


class Stack:
    """Starts, watches and stops the processes. `on_line` gets each line that one of them writes.

    `start` returns when all are started, `ready` when tasks can be created, from when on edits are noticed;
    `stop` drains and ends them.
    `options` is called once the engine and the worker are on their way: importing what these need takes
    most of the time that a start takes, so it happens while options are read and the database starts.
    """

    def __init__(self, options: Callable[[], StackOptions], on_line: OnLine) -> None:
        self._read_options = options
        self._on_line = on_line
        self._ports: Ports | None = None
        self._drain_seconds = 0.0
        self._environment = asyncio.Event()
        self._environment_line = b""
        self._folder: DataFolder | None = None
        self._postgres: EmbeddedPostgres | None = None
        self._rabbitmq: PrivateRabbit | None = None
        self._processes: dict[str, SupervisedProcess] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._dsn = ""
        self._watched: Sequence[Path] = ()
        self._background: set[asyncio.Task[None]] = set()
        self._watchers: set[asyncio.Event] = set()
        self._logs: dict[str, TextIO] = {}
        self._started_at = datetime.now(UTC)
        self._doing = self._trouble = ""
        self._facts: FactsOfWorker | None = None
        self._control: Control | None = None
        self._edits: Edits | None = None

    @property
    def url(self) -> str:
        """The address of the engine's REST API; known once `start` has returned."""
        return f"http://{LOOPBACK}:{self._used_ports.server}"

    @property
    def data_dir(self) -> Path | None:
        """The data folder in use; None with a database of the user's."""
        return self._folder.path if self._folder else None

    def status(self) -> tuple[ProcessStatus, ...]:
        """All processes as they are now."""
        return tuple(process.status() for process in self._processes.values())

    async def changes(self) -> AsyncGenerator[tuple[ProcessStatus, ...], None]:
        """The status, now and again whenever a process changes its state."""
        changed = asyncio.Event()
        self._watchers.add(changed)
        try:
            while True:
                changed.clear()
                yield self.status()
                await changed.wait()
        finally:
            self._watchers.discard(changed)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what a change of some process's state makes true."""
        async with contextlib.aclosing(self.changes()) as changes:
            async for _ in changes:
                if condition():
                    return

    async def report(self) -> StackReport:
        """All that is told at the door."""
        from tasker_tui.dev.describe import checked, describe

        parts = [
            await describe(self._processes[name], getattr(self._ports, name, None)) for name in self._names
        ]
        kind = "a database of yours" if self._postgres is None else f"PostgreSQL {self._postgres.version}"
        return checked(
            await self._facts.read() if self._facts else None,
            kind,
            parts,
            url=self.url,
            data_dir=str(self._folder.path) if self._folder else None,
            started_at=self._started_at,
            doing=self._doing,
            trouble=self._trouble,
            reloads=list(self.edits),
        )

    def part(self, name: str) -> SupervisedProcess:
        """One of the processes; raises StackError for another name, or while something is done to all."""
        if self._doing:
            raise StackError(f"the stack is {self._doing}", "wait until it is done")
        if name not in self._processes:
            raise StackError(f"the stack has no part {name}", f"its parts are {', '.join(self._names)}")
        return self._processes[name]

    @property
    def edits(self) -> Edits:
        """What was edited and what came of it; there once `start` has returned."""
        assert self._edits is not None
        return self._edits

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the engine and the worker are configured with."""
        found: dict[str, str] = json.loads(self._environment_line)
        return found

    def reset(self) -> None:
        """Begin to throw the database away and start anew; raises StackError for one of the user's."""
        if self._postgres is None:
            raise StackError("this database is yours, so it is not thrown away", "drop it yourself")
        self.part("worker")  # nothing else may be under way
        self._doing, self._trouble = "resetting the database", ""
        self._in_background(self._reset(self._postgres))

    async def start(self) -> None:
        """Start everything; raises StackError, SettingsError or MigrationError for what is in the way."""
        self._supervise(self._part("server", lambda: SERVER_STOP_SECONDS))
        self._supervise(self._part("worker", lambda: self._drain_seconds + DRAIN_MARGIN_SECONDS))
        options = await asyncio.to_thread(self._read_options)
        sources = find_sources(options)
        self._ports = claim_ports(options.port, options.worker_port)
        self._drain_seconds = options.drain_seconds
        self._dsn = dsn = options.database_url or await self._start_postgres(options)
        rabbitmq_url = options.rabbitmq_url
        if options.broker == "rabbitmq" and rabbitmq_url is None:
            rabbitmq_url = await self._start_rabbitmq(options)
        await self._migrate(dsn)
        environment = process_environment(options, sources, dsn, rabbitmq_url, self._ports)
        self._environment_line = json.dumps(dict(environment)).encode() + b"\n"
        self._environment.set()
        self._watched = sources.watched if options.reload else ()
        await self._open_door(self._ports)

    async def ready(self) -> None:
        """Wait until tasks can be created: the engine answers, and the worker knows its templates."""
        for process in self._processes.values():
            await process.ready.wait()
        if self._watched:
            self._in_background(self.edits.watch(self._watched))

    async def stop(self) -> None:
        """End the worker after it has drained, then the engine, then what they use; safe at any time."""
        for task in self._background:
            task.cancel()
        for name in ("worker", "server", "rabbitmq", "postgres"):
            if name in self._processes:
                self._processes[name].stop()
                await self._tasks[name]
        for log in self._logs.values():
            log.close()
        if self._rabbitmq:
            self._rabbitmq.clean_up()
        if self._postgres:
            self._postgres.clean_up()
        if self._folder:
            self._folder.release()
        if self._control:
            self._control.close()

    def hurry(self) -> None:
        """Give up draining: kill the worker and the engine now."""
        for name in ("worker", "server"):
            if name in self._processes:
                self._processes[name].kill()

    @property
    def _names(self) -> list[str]:
        return [name for name in ("postgres", "rabbitmq", "server", "worker") if name in self._processes]

    @property
    def _used_ports(self) -> Ports:
        assert self._ports is not None
        return self._ports

    async def _start_postgres(self, options: StackOptions) -> str:
        from tasker_tui.dev.postgres import EmbeddedPostgres

        self._folder = DataFolder(options.data_dir or default_data_dir())
        self._folder.acquire()
        self._postgres = postgres = EmbeddedPostgres(self._folder)
        await asyncio.to_thread(postgres.prepare, fresh=options.fresh)

        async def command() -> Command:
            await asyncio.to_thread(postgres.prepare)
            return postgres.command()

        async def ready() -> None:
            await postgres.ready(timeout=math.inf)

        process = self._supervise(
            Plan("postgres", command, ready, signal.SIGINT, lambda: POSTGRES_STOP_SECONDS)
        )
        await _first_set(process.failed, process.ready)
        if process.failed.is_set():
            said = [line for line in process.status().last_lines if "FATAL" in line]
            raise StackError(
                f"PostgreSQL {process.last_end}: {''.join(said[-1:])}", f"see {self._folder.logs}"
            )
        return postgres.dsn

    async def _start_rabbitmq(self, options: StackOptions) -> str:
        """Start a node, without waiting until it is up: steps are found by polling until then."""
        from tasker_tui.dev.rabbitmq import PrivateRabbit

        if self._folder is None:
            raise StackError(
                "--database-url leaves no data folder for a RabbitMQ of its own",
                "set RABBITMQ_URL to one that runs, or leave --database-url out",
            )
        self._rabbitmq = rabbitmq = PrivateRabbit(self._folder.path / "rabbitmq")
        rabbitmq.prepare(fresh=options.fresh)  # it starts a process, which must not be a thread's

        async def command() -> Command:
            rabbitmq.prepare()
            return rabbitmq.command()

        # An orderly end takes six seconds and more, and protects nothing: it holds hints alone.
        self._supervise(
            Plan("rabbitmq", command, rabbitmq.ready, signal.SIGKILL, lambda: RABBITMQ_STOP_SECONDS)
        )
        return rabbitmq.url

    async def _open_door(self, ports: Ports) -> None:
        from tasker_tui.dev.checks import FactsOfWorker
        from tasker_tui.dev.control import Control
        from tasker_tui.dev.edits import Edits

        self._facts = FactsOfWorker(ports.worker)
        self._edits = Edits(self._processes["worker"], self._facts, self.until)
        self._control = Control(self)
        if not await self._control.open(ports.server):
            self._keep("stack", "no folder can hold its socket: it cannot be controlled from outside")

    async def _reset(self, postgres: EmbeddedPostgres) -> None:
        users = [self._processes[name] for name in ("worker", "server")]
        try:
            for process in users:
                process.halt()
                process.kill()  # what it runs is thrown away as well
            await self.until(lambda: all(process.state is State.STOPPED for process in users))
            await postgres.make_anew()
            await self._migrate(self._dsn)
        except Exception as error:
            self._trouble = f"the database could not be reset: {error}"
            self._keep("stack", self._trouble)
        finally:
            for process in users:
                process.resume()
            self._doing = ""

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _migrate(self, dsn: str) -> None:
        from engine.store.migrate import migrate

        report = await migrate(dsn)
        for change in report.changes:
            self._keep("migrate", f"applied {change.kind} {change.name}")

    def _part(self, name: str, stop_seconds: Callable[[], float]) -> Plan:
        async def command() -> Command:
            argv = [sys.executable, "-u", "-m", PARTS, name]
            return child_command(argv, cwd=Path.cwd(), death_signal=signal.SIGKILL)

        async def environment() -> bytes:
            await self._environment.wait()
            return self._environment_line

        async def ready() -> None:
            await self._environment.wait()
            await until_ready(getattr(self._used_ports, name))

        return Plan(name, command, ready, signal.SIGTERM, stop_seconds, environment)

    def _supervise(self, plan: Plan) -> SupervisedProcess:
        process = SupervisedProcess(plan, self._keep, self._wake)
        self._processes[plan.name] = process
        self._tasks[plan.name] = asyncio.create_task(process.run())
        return process

    def _wake(self) -> None:
        for changed in self._watchers:
            changed.set()

    def _keep(self, name: str, line: str) -> None:
        """Pass a line on, and write it to the process's file in the data folder."""
        self._on_line(name, line)
        if self._folder:
            if name not in self._logs:
                self._logs[name] = (self._folder.logs / f"{name}.log").open("w", buffering=1)
            self._logs[name].write(f"{line}\n")


async def _first_set(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
