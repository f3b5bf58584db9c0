"""`tasker dev --headless` in a process of its own, as a user runs it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.forks import FORKS, ROOT

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("TASKER_") and k != "DATABASE_URL"}
PATIENCE = 60.0


class Dev:
    """A running `tasker dev --headless`."""

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        assert process.stdout is not None
        self.process = process
        self._errors = errors
        self.first_line = process.stdout.readline()
        assert self.first_line, self.log
        self.url = self.first_line.removeprefix("ready ").strip()
        self.first_children = psutil.Process(process.pid).children()

    @property
    def log(self) -> str:
        """What it wrote to standard error."""
        return self._errors.read_text()

    def part(self, name: str) -> psutil.Process:
        """The child that is the given part, now."""
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):
                line = child.cmdline()
                if line and (line[-1] == name or (name == "postgres" and line[0].endswith("bin/postgres"))):
                    return child
        pytest.fail(f"there is no {name}:\n{self.log}")

    def tasker(self, *arguments: str, group: str = "task") -> subprocess.CompletedProcess[str]:
        """Run a command of `tasker task`, or of another group, against this stack."""
        return FORKS.run([group, *arguments, "--url", self.url], cwd=ROOT, env=ENVIRONMENT)

    def runs(self, template: str, namespace: str = "example") -> str:
        """Create a task and follow it to its good end; returns its id."""
        done = self.tasker("create", template, "-n", namespace, "--watch", "--json")
        assert done.returncode == 0, done.stdout + done.stderr + self.log
        return str(json.loads(done.stdout.splitlines()[-1])["task_uuid"])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)

    def survivors(self) -> list[psutil.Process]:
        """Which of the first children still run, after time enough to end."""
        _, alive = psutil.wait_procs(self.first_children, timeout=20)
        return [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]


Start = Callable[..., Dev]


@contextlib.contextmanager
def starter(folder: Path) -> Iterator[Start]:
    """Starts stacks on one data folder, on free ports; kills what still runs at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str | Path) -> Dev:
        argv = [
            sys.executable,
            "-m",
            "tasker_tui.cli",
            "dev",
            "--headless",
            "--port",
            "0",
            "--worker-port",
            "0",
        ]
        argv += [str(option) for option in options]
        if "--database-url" not in argv:
            argv += ["--data-dir", str(folder / "data")]
        errors = folder / f"dev-{len(started)}.log"
        with errors.open("w") as stderr:
            process = subprocess.Popen(
                argv, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        started.append(process)
        return Dev(process, errors)

    try:
        yield start
    finally:
        for process in started:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def until(condition: Callable[[], object], what: str) -> None:
    """Look again and again, for things that another process does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE:g} s"
        time.sleep(0.05)
