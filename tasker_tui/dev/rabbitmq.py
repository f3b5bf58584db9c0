"""A private RabbitMQ node: the installed server with ports, data, name, cookie and account of its own.

It shares nothing with a RabbitMQ that runs on the machine already, not even Erlang's port mapper (epmd), and
listens on the loopback alone. It ends with this process, however that ends: what it holds are hints, and
PostgreSQL has what they tell of.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from tasker_tui.dev.command import Command, child_command
from tasker_tui.dev.errors import StackError
from tasker_tui.dev.ports import LOOPBACK

SERVER_PLACES = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/opt/homebrew/sbin/rabbitmq-server")
"""Before PATH: Debian's program of that name there runs as another account."""
USER = "tasker"
PROTOCOL = b"AMQP\x00\x00\x09\x01"
POLL = 0.05
END_SECONDS = 5.0
INSTALL = (
    "install it: apt-get install rabbitmq-server (Debian, Ubuntu), dnf install rabbitmq-server (Fedora), "
    "brew install rabbitmq (macOS); or use a RabbitMQ that runs with RABBITMQ_URL=amqp://user:password@host:5672/"
)


class PrivateRabbit:
    """One node on one folder, which nobody else uses meanwhile. `settings` are lines of rabbitmq.conf.

    A supervisor calls `prepare`, runs `command()` and awaits `ready()`, each time that the node is to be
    started, and `clean_up` once it has ended. The port is chosen with the object and stays.
    """

    def __init__(
        self, folder: Path, *, settings: Mapping[str, str] | None = None, plugins: Sequence[str] = ()
    ) -> None:
        self._server = _find_server()
        self._epmd_program = _find_epmd()
        self._folder = folder.absolute()
        self._settings = dict(settings or {})
        self._plugins = plugins
        self.port, self._dist_port, self._epmd_port = _free_ports(3)
        self._epmd: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the node listens, with the account; known after `prepare`."""
        return f"amqp://{USER}:{self._password}@{LOOPBACK}:{self.port}/"

    @property
    def data(self) -> Path:
        """What the node keeps: queues, messages, accounts."""
        return self._folder / "data"

    def prepare(self, *, fresh: bool = False) -> None:
        """Make the folder ready for `command()`, and end what an earlier run left; `fresh` drops the data."""
        self._end_leftovers()
        if fresh:
            shutil.rmtree(self.data, ignore_errors=True)
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._secret.exists():
            self._secret.touch(mode=0o600)
            self._secret.write_text(secrets.token_hex(16))
        config = {
            "listeners.tcp.1": f"{LOOPBACK}:{self.port}",
            "default_user": USER,
            "default_pass": self._password,
            "log.console.level": "warning",
        } | self._settings
        self._write("rabbitmq.conf", "".join(f"{name} = {value}\n" for name, value in config.items()))
        self._write("plugins", f"[{','.join(self._plugins)}].\n")
        self._write("environment.conf", "")
        self._start_epmd()

    def command(self) -> Command:
        """The node as a program that ends when this process does."""
        variables = [f"{name}={value}" for name, value in self._environment().items()]
        argv = ["/usr/bin/env", *variables, str(self._server), "-noinput"]
        return child_command(argv, cwd=self._folder, death_signal=signal.SIGKILL)

    async def ready(self) -> None:
        """Wait until the node speaks AMQP."""
        while not await self._answers():  # noqa: ASYNC110 - nothing tells but asking
            await asyncio.sleep(POLL)

    def clean_up(self) -> None:
        """End the port mapper of a node that has ended."""
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None

    @property
    def _home(self) -> Path:
        return self._folder / "home"

    @property
    def _secret(self) -> Path:
        return self._folder / "password"

    @property
    def _password(self) -> str:
        return self._secret.read_text()

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        return {
            "HOME": str(self._home),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_NODENAME": f"{USER}@localhost",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_MNESIA_BASE": str(folder),
            "RABBITMQ_MNESIA_DIR": str(self.data),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_LOG_BASE": str(folder),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "environment.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_ALLOW_INPUT": "1",  # the script turns into the server instead of staying in front of it
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    def _write(self, name: str, text: str) -> None:
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_text(text)

    def _start_epmd(self) -> None:
        """The server would start one as a daemon, which nobody ends."""
        if self._epmd is not None and self._epmd.poll() is None:
            return
        argv = [str(self._epmd_program), "-port", str(self._epmd_port), "-address", LOOPBACK]
        command = child_command(argv, cwd=self._folder, death_signal=signal.SIGKILL)
        self._epmd = subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self._epmd_port), 1):
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._epmd.wait(POLL)
        raise StackError("Erlang's port mapper (epmd) does not start", INSTALL)

    def _end_leftovers(self) -> None:
        """A node of this folder that still runs would hold the data."""
        left = [process for process in psutil.process_iter() if self._is_ours(process)]
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=END_SECONDS)

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.name().startswith("beam") and str(self._home) in process.cmdline()
        except psutil.Error:
            return False

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(END_SECONDS):
                reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
                try:
                    writer.write(PROTOCOL)
                    return bool(await reader.read(1))
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False


def _find_server() -> Path:
    places = [*SERVER_PLACES, shutil.which("rabbitmq-server")]
    found = next((Path(place) for place in places if place and Path(place).exists()), None)
    if found is None:
        raise StackError("RabbitMQ is not installed", INSTALL)
    return found


def _find_epmd() -> Path:
    found = shutil.which("epmd")
    if found is None:
        raise StackError("Erlang's port mapper (epmd), which RabbitMQ needs, is not installed", INSTALL)
    return Path(found)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in sockets]
