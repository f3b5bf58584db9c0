"""The PostgreSQL server that comes with Tasker: made, started and stopped in a data folder of its own.

It listens on a Unix socket in a folder that only its owner can enter, and on no network address.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import asyncpg

from tasker_tui.dev import binaries, leftovers
from tasker_tui.dev.command import Command, child_command
from tasker_tui.dev.errors import StackError
from tasker_tui.dev.folder import DataFolder
from tasker_tui.dev.sockets import socket_dir

ROLE = "tasker"
NAME = "tasker"
READY_TIMEOUT = 60.0
POLL = 0.01

# Through /proc/self/cwd a server may live in a folder whose parents it may not enter: the folder is entered
# by root, and every path of the server is relative to it.
HERE = "/proc/self/cwd"

SERVER_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "listen_addresses": "",
    "cluster_name": "tasker",
    "shared_preload_libraries": "pg_stat_statements",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "io_method": "sync",
    "random_page_cost": "1.1",
    "jit": "off",
    "wal_buffers": "16MB",
    "min_wal_size": "512MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "log_checkpoints": "off",
    "autovacuum_naptime": "5s",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedPostgres:
    """One embedded server on one data folder, whose lock the caller holds.

    `start` and `stop` are for whoever runs the server alone. A supervisor calls `prepare`, runs
    `command()` and awaits `ready()`, each time that the server is to be started.
    `overrides` are server settings that replace those of `SERVER_SETTINGS`: tests trade safety for speed.
    """

    def __init__(self, folder: DataFolder, *, overrides: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._data = folder.database
        self._settings = SERVER_SETTINGS | dict(overrides or {})
        self._uid = binaries.choose_uid(self._data)
        self._install = binaries.install_dir(self._uid)
        self._sockets = socket_dir(self._data, self._uid)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """The URL of Tasker's database on this server."""
        return self._dsn(NAME)

    @property
    def version(self) -> str:
        """Its major version."""
        return binaries.major()

    async def make_anew(self) -> None:
        """Throw Tasker's database away on the running server, whoever is connected, and make an empty one."""
        await self._execute("postgres", f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        await self.ready()

    def prepare(self, *, fresh: bool = False) -> None:
        """Make the data folder ready for `command()`: end what an earlier run left, and initialise.

        `fresh` throws the old data away first. Raises StackError, among others when the data was written
        by another major version of PostgreSQL.
        """
        if fresh:
            self._discard()
        self._refuse_other_major()
        self._sockets = socket_dir(self._data, self._uid)
        leftovers.end_servers(self._data, self._sockets)
        if not self._data.exists():
            self._initialise()

    def command(self) -> Command:
        """The server as a program that ends, shutting down cleanly, when this process does."""
        options = [text for name, value in self._settings.items() for text in ("-c", f"{name}={value}")]
        data = self._seen(self._data)
        sockets = data if self._sockets == self._data else str(self._sockets)
        argv = [str(self._install / "bin" / "postgres"), "-D", data, "-k", sockets, *options]
        return child_command(argv, cwd=self._data, death_signal=signal.SIGINT, uid=self._uid)

    async def ready(self, timeout: float = READY_TIMEOUT) -> None:
        """Wait until the server takes connections and Tasker's database exists."""
        deadline = time.monotonic() + timeout
        while not await self._database_answers():
            hint = f"its log is {self._log}"
            if self._process is not None and self._process.poll() is not None:
                raise StackError(f"PostgreSQL ended while it started: {self._last_words()}", hint)
            if time.monotonic() > deadline:
                raise StackError(f"PostgreSQL was not ready within {timeout:.0f} s", hint)
            await asyncio.sleep(POLL)

    async def start(self) -> str:
        """Prepare, run and await the server; returns `dsn`."""
        self.prepare()
        self._process = self._run()
        await self.ready()
        return self.dsn

    async def stop(self) -> None:
        """Shut the started server down, ending its connections; does nothing when none was started."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        await asyncio.to_thread(self._process.wait)
        self._process = None
        self.clean_up()

    def clean_up(self) -> None:
        """Remove what a stopped server needs no more: its socket folder."""
        if self._sockets != self._data:
            shutil.rmtree(self._sockets, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self._folder.logs / "postgres.log"

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        fatal = [line.partition("FATAL:")[2].strip() for line in lines if "FATAL:" in line]
        return (fatal or lines or ["it said nothing"])[-1]

    def _dsn(self, database: str) -> str:
        return f"postgresql://{ROLE}@/{database}?host={quote(str(self._sockets), safe='/')}"

    def _seen(self, path: Path) -> str:
        """How a program of the server names `path`, the folder that it is started in."""
        return HERE if self._uid and Path(HERE).exists() else str(path)

    def _run(self) -> subprocess.Popen[bytes]:
        command = self.command()
        with self._log.open("wb") as log:
            return subprocess.Popen(
                command.argv,
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _refuse_other_major(self) -> None:
        try:
            written_by = (self._data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            return
        if written_by == binaries.major():
            return
        raise StackError(
            f"the data in {self._data} is PostgreSQL {written_by}'s, and this Tasker has {binaries.major()}",
            f"to keep it, start it with the programs of PostgreSQL {written_by} "
            f'(pg_ctl -D {self._data} -o "-k /tmp" start) and export it with '
            f"pg_dump -h /tmp -U {ROLE} -d {NAME} -f tasker.sql; then start anew with --fresh "
            "or in another folder with --data-dir DIR, and load the file with psql",
        )

    def _discard(self) -> None:
        leftovers.end_servers(self._data, self._sockets)
        if self._data.exists():
            shutil.rmtree(self._data)

    def _initialise(self) -> None:
        """Build the cluster beside its place and move it there whole: half of one is never found."""
        scratch = self._data.with_name("postgres.new")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        self._run_initdb(scratch)
        scratch.rename(self._data)

    def _run_initdb(self, target: Path) -> None:
        argv = [str(self._install / "bin" / "initdb"), "-D", self._seen(target), "-U", ROLE, "-A", "trust"]
        argv += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        argv += ["--no-instructions", *([] if self._settings["fsync"] == "on" else ["--no-sync"])]
        done = binaries.run_in(target, argv, self._uid)
        if done.returncode != 0:
            raise StackError(
                f"PostgreSQL could not make its data folder {self._data}: {done.stderr.strip()}",
                "choose another folder with --data-dir DIR",
            )

    async def _database_answers(self) -> bool:
        """Whether the server takes connections; makes Tasker's database when it is the first time."""
        with contextlib.suppress(OSError, asyncpg.CannotConnectNowError):
            try:
                await self._execute(NAME, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
                return True
            except asyncpg.InvalidCatalogNameError:
                await self._execute("postgres", f"CREATE DATABASE {NAME}")
        return False

    async def _execute(self, database: str, statement: str) -> None:
        connection = await asyncpg.connect(self._dsn(database))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextlib.contextmanager
def running_postgres(data_dir: Path, *, overrides: Mapping[str, str] | None = None) -> Iterator[str]:
    """A server for the length of a `with` block, from code that is not asynchronous; gives its DSN."""
    with DataFolder(data_dir) as folder, asyncio.Runner() as runner:
        server = EmbeddedPostgres(folder, overrides=overrides)
        dsn = runner.run(server.start())
        try:
            yield dsn
        finally:
            runner.run(server.stop())
