"""`tasker` and a bare engine as processes that start at once: forked from one that has imported everything.

`FORKS.start` gives what `subprocess.Popen` gives, `FORKS.run` what `subprocess.run` gives. Whether the
installed command starts at all is for tests that start it themselves, such as those of `tasker dev`.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Literal

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0

Program = Literal["tasker", "engine"]


class Forked:
    """A process that was forked; as a `subprocess.Popen`."""

    def __init__(self, pipe: int) -> None:
        self._pipe = os.fdopen(pipe, "rb", buffering=0)
        self.returncode: int | None = None
        told = self._pipe.readline()
        assert told, "the process that forks has ended"
        self.pid = int(told)

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._ended_within(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; returns the exit code. Raises `TimeoutExpired` after `timeout` seconds."""
        code = self._ended_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(["tasker"], timeout or 0.0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _ended_within(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._pipe], [], [], seconds)[0]:
            with self._pipe:
                self.returncode = int(self._pipe.readline())
        return self.returncode


class Forks:
    """The process that forks, started with the first order."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None
        self._lock = threading.Lock()

    def start(
        self, program: Program, arguments: list[str], *, cwd: Path, env: Mapping[str, str],
        stdout: IO[bytes], stderr: IO[bytes] | None = None, stdin: IO[bytes] | None = None,
    ) -> Forked:  # fmt: skip
        """Start a program in a session of its own. Without `stderr` errors go to the output."""
        order = {"program": program, "arguments": arguments, "cwd": str(cwd), "environment": dict(env)}
        pipe, theirs = os.pipe()
        with open(os.devnull, "rb") as nothing:
            streams = [(stdin or nothing).fileno(), stdout.fileno(), (stderr or stdout).fileno()]
            with self._lock:
                socket.send_fds(self._connected(), [json.dumps(order).encode()], [*streams, theirs])
        os.close(theirs)
        return Forked(pipe)

    def run(
        self, arguments: list[str], *, cwd: Path, env: Mapping[str, str], input: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run `tasker` to its end."""
        with (
            tempfile.TemporaryFile() as typed,
            tempfile.TemporaryFile() as output,
            tempfile.TemporaryFile() as errors,
        ):
            typed.write(input.encode())
            typed.seek(0)
            process = self.start(
                "tasker", arguments, cwd=cwd, env=env, stdin=typed, stdout=output, stderr=errors
            )
            try:
                code = process.wait(PATIENCE)
            finally:
                process.kill()
            texts = []
            for file in (output, errors):
                file.seek(0)
                texts.append(file.read().decode())
            return subprocess.CompletedProcess(arguments, code, *texts)

    def close(self) -> None:
        """End it, and with it what it forked."""
        if self._server and self._orders:
            self._orders.close()
            self._server.wait()

    def _connected(self) -> socket.socket:
        if self._orders is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._server = subprocess.Popen(
                    [sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno())],
                    cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True,
                )  # fmt: skip
            self._orders = ours
        return self._orders


FORKS = Forks()


@pytest.fixture(scope="session", autouse=True)
def forks_end() -> Iterator[None]:
    """End the process that forks with the run."""
    yield
    FORKS.close()
