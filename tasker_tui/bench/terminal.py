"""A dashboard in a terminal that is nobody's: keys go in, and when something is drawn is known."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import struct
import sys
import termios
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from tasker_tui.bench.errors import BenchError

COLUMNS, LINES = 160, 48
PATIENCE = 60.0
KEPT = 1_000_000
_STYLE = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """The program's output is read as it comes; `drawn_at` is when the last piece came."""

    def __init__(self, process: asyncio.subprocess.Process, master: int) -> None:
        self.process, self._master = process, master
        self._output = b""
        self._news = asyncio.Event()
        self.drawn_at = time.perf_counter()
        asyncio.get_running_loop().add_reader(master, self._read)

    def send(self, keys: str) -> float:
        """Press keys; the moment when."""
        os.write(self._master, keys.encode())
        return time.perf_counter()

    def forget(self) -> None:
        """What was drawn until now does not count any more."""
        self._output = b""
        self._news.clear()

    async def drawn(self) -> float:
        """The moment when the first piece comes after `forget`; raises BenchError if none does."""
        await self._until(lambda: bool(self._output), "anything")
        return self.drawn_at

    async def shows(self, text: str) -> float:
        """The moment when a text has been drawn after `forget`; raises BenchError if it is not."""
        wanted = text.encode()
        await self._until(lambda: wanted in _STYLE.sub(b"", self._output), text)
        return self.drawn_at

    async def quiet(self, seconds: float) -> None:
        """Until nothing has been drawn for so long."""
        with suppress(TimeoutError):
            while True:
                self._news.clear()
                async with asyncio.timeout(seconds):
                    await self._news.wait()

    async def _until(self, fits: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not fits():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise BenchError(f"the dashboard has not drawn {what}", "look with `tasker tui`") from None

    def _read(self) -> None:
        try:
            piece = os.read(self._master, 65536)
        except OSError:
            asyncio.get_running_loop().remove_reader(self._master)
            return
        self.drawn_at = time.perf_counter()
        self._output = (self._output + piece)[-KEPT:]
        self._news.set()


@asynccontextmanager
async def dashboard_in_terminal(url: str, locator: str = "tasks") -> AsyncIterator[Terminal]:
    """`tasker tui` on a server, ended afterwards."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tasker_tui.cli", "tui", "--url", url, locator),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env=environment | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONUTF8": "1"},
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        with suppress(ValueError, OSError):
            asyncio.get_running_loop().remove_reader(master)
        os.close(master)
