"""Engines and workers of a chaos run: processes that are started again whenever they end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tasker_tui.dev.command import child_command
from tasker_tui.dev.health import until_ready
from tasker_tui.dev.ports import LOOPBACK, claim_ports

CLI = "tasker_tui.cli"
WRONG_CLOCK = "tasker_tui.chaos.wrong_clock"
POLL = 0.02
START_AGAIN = 0.5
STOP_SECONDS = 40.0
REPLACE_ME, CANNOT_START = 75, 2
"""Exit codes that need no fault: too many handlers are stuck; the database was away at the start."""


class Part:
    """One engine or worker. `clock_seconds` is how wrong its clock is; `strange_ends` are sentences about
    ends that nobody brought about."""

    def __init__(
        self, name: str, role: str, folder: Path, environment: Mapping[str, str], clock_seconds: float = 0
    ) -> None:
        self.name = name
        self.role = role
        self.port = claim_ports(0, 0).server
        self.log = folder / f"{name}.log"
        self.strange_ends: list[str] = []
        self.starts = 0
        self._environment = {**environment, f"TASKER_{role.upper()}_PORT": str(self.port)}
        self._clock = [WRONG_CLOCK, str(clock_seconds)] if clock_seconds else [CLI]
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._stopping = False
        self._pause = 0.0
        self._running: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int | None:
        """Its process, None between two starts."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def output(self) -> str:
        """What it wrote, over all starts."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def start(self) -> None:
        """Have it run from now on."""
        self._running = asyncio.create_task(self._keep_running())

    async def ready(self) -> None:
        """Wait until it does its work."""
        await until_ready(self.port)

    def kill(self, pause: float) -> None:
        """SIGKILL it; it is started again after so many seconds."""
        self._pause, self._killed = pause, True
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    async def stop(self) -> None:
        """Let it end in order, and for good; what is not orderly is noted."""
        self._stopping = True
        self.signal(signal.SIGTERM)
        if self._running is not None:
            try:
                await asyncio.wait_for(self._running, STOP_SECONDS)
            except TimeoutError:
                self.strange_ends.append(f"{self.name} does not end within {STOP_SECONDS:g} s")
        self.abandon()

    def abandon(self) -> None:
        """End it at once, and for good."""
        self._stopping = True
        if self._running is not None:
            self._running.cancel()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def _keep_running(self) -> None:
        while True:
            self._pause, self._killed = START_AGAIN, False
            self._process = process = self._spawn()
            while (code := process.poll()) is None:  # noqa: ASYNC110 - nothing tells but asking
                await asyncio.sleep(POLL)
            self._note_end(code)
            if self._stopping:
                return
            await asyncio.sleep(self._pause)
            if self._stopping:
                return

    def _note_end(self, code: int) -> None:
        allowed = {0} if self._stopping else {REPLACE_ME, CANNOT_START}
        if code not in allowed and not self._killed:
            last = self.output.splitlines()[-2:]
            self.strange_ends.append(f"{self.name} ended by itself with {code}: {' / '.join(last)}")

    def _spawn(self) -> subprocess.Popen[bytes]:
        self.starts += 1
        argv = [sys.executable, "-u", "-m", *self._clock, self.role]
        command = child_command(argv, cwd=self.log.parent, death_signal=signal.SIGKILL)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command.argv, cwd=command.cwd, env=dict(self._environment), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip


async def all_ready(parts: list[Part], seconds: float) -> list[str]:
    """Wait for parts; the names of those that are not ready in time."""
    waits = {part.name: asyncio.create_task(part.ready()) for part in parts}
    await asyncio.wait(waits.values(), timeout=seconds)
    late = [name for name, wait in waits.items() if not wait.done()]
    for wait in waits.values():
        wait.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await wait
    return late
