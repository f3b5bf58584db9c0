"""A real RabbitMQ for tests: one private node a run (one a worker of xdist), one virtual host a test.

`rabbit` gives the URL of an empty virtual host. A test that stops, wipes or configures the node starts one of
its own with `running_rabbit`. A machine without RabbitMQ fails these tests; it does not skip them.

With TASKER_TEST_BROKER=rabbitmq the stacks of all tests run on it, see tests/support/brokers.py.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tasker_tui.dev.ports import LOOPBACK, claim_ports
from tasker_tui.dev.rabbitmq import PrivateRabbit

READY_SECONDS = 60.0


class RabbitNode:
    """A node that a test starts, stops, kills and wipes."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self._management = claim_ports(0, 0).server
        ours = {"management.tcp.ip": LOOPBACK, "management.tcp.port": str(self._management)}
        self._node = PrivateRabbit(
            folder, settings=ours | dict(settings or {}), plugins=["rabbitmq_management"]
        )
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._hosts = itertools.count(1)

    async def start(self) -> None:
        """Start it and wait until it takes connections."""
        self._process = self._spawn()
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._node.ready()
                await self._until_managed()
        except TimeoutError:
            raise AssertionError(f"RabbitMQ does not start:\n{self.log[-3000:]}") from None

    def kill(self) -> None:
        """SIGKILL it: it gets no chance to tidy up."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Shut it down in order."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Have it hang: its connections stay, and nothing is answered."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it was."""
        self._signal_all(signal.SIGCONT)

    def hang_queue(self, url: str, name: str) -> None:
        """Have the leader of one quorum queue answer nothing, for good; the others go on."""
        leader = f"{urlsplit(url).path.lstrip('/')}_{name}"
        *command, server, _ = self._node.command().argv
        # Debian's in the PATH becomes another user, without the cookie.
        program = Path(server).with_name("rabbitmqctl")
        variables = dict(word.split("=", 1) for word in command if word[:1].isupper() and "=" in word)
        subprocess.run(
            [program, "-n", variables["RABBITMQ_NODENAME"], "eval", f"sys:suspend('{leader}')."],
            env={**os.environ, **variables}, check=True, capture_output=True,
        )  # fmt: skip

    def wipe(self) -> None:
        """Throw away all that a stopped node keeps, its queues and messages among it."""
        shutil.rmtree(self._node.data)

    def close(self) -> None:
        """End it for good."""
        self.kill()
        self._node.clean_up()

    @property
    def url(self) -> str:
        """Its first virtual host."""
        return self._node.url

    @property
    def log(self) -> str:
        """What it wrote."""
        return (self._folder / "node.log").read_text(errors="replace")

    async def new_host(self) -> str:
        """Make a virtual host; returns its URL."""
        name = f"host{next(self._hosts)}"
        await self._manage("PUT", f"/api/vhosts/{name}")
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    async def delete_host(self, url: str) -> None:
        """Drop a virtual host with all that is in it."""
        await self._manage("DELETE", f"/api/vhosts{urlsplit(url).path}")

    async def restrict(self, url: str, configure: str) -> None:
        """Let the account declare only queues whose names match a regular expression."""
        account = urlsplit(self.url).username
        rights = {"configure": configure, "write": ".*", "read": ".*"}
        await self._manage("PUT", f"/api/permissions{urlsplit(url).path}/{account}", rights)

    async def _manage(self, method: str, path: str, body: object = None) -> httpx.Response:
        parts = urlsplit(self.url)
        account = httpx.BasicAuth(parts.username or "", parts.password or "")
        async with httpx.AsyncClient(auth=account, timeout=20) as client:
            answer = await client.request(method, f"http://{LOOPBACK}:{self._management}{path}", json=body)
        answer.raise_for_status()
        return answer

    async def _until_managed(self) -> None:
        while True:
            try:
                await self._manage("GET", "/api/vhosts")
                return
            except httpx.HTTPError:
                await asyncio.sleep(0.05)

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._node.prepare()
        command = self._node.command()
        with (self._folder / "node.log").open("ab") as log:
            return subprocess.Popen(
                command.argv, cwd=command.cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None


@asynccontextmanager
async def running_rabbit(
    folder: Path, settings: Mapping[str, str] | None = None
) -> AsyncIterator[RabbitNode]:
    """A node for the length of a `with` block."""
    node = RabbitNode(folder, settings)
    try:
        await node.start()
        yield node
    finally:
        node.close()


class SharedNode:
    """The run's node, started when the first test needs it."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._node: RabbitNode | None = None
        self._starting = asyncio.Lock()

    async def get(self) -> RabbitNode:
        """The node, running."""
        async with self._starting:
            if self._node is None:
                self._folder = Path(tempfile.mkdtemp(prefix="tasker-rabbitmq-"))
                self._node = RabbitNode(self._folder)
                await self._node.start()
        return self._node

    def close(self) -> None:
        """End it, if it was started."""
        if self._node is not None and self._folder is not None:
            self._node.close()
            shutil.rmtree(self._folder, ignore_errors=True)


SHARED = SharedNode()


def on_rabbit(url: str) -> dict[str, str]:
    """The variables of processes whose messages go through this RabbitMQ."""
    return {"TASKER_MESSAGING_BACKEND": "rabbitmq", "RABBITMQ_URL": url}


@pytest.fixture(scope="session", autouse=True)
def shared_node_ends() -> Iterator[None]:
    """End the node with the run."""
    yield
    SHARED.close()


@pytest.fixture
async def rabbit() -> AsyncIterator[str]:
    """The URL of a virtual host that is this test's alone."""
    node = await SHARED.get()
    url = await node.new_host()
    yield url
    await node.delete_host(url)
