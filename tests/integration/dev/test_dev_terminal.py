"""`tasker dev` with the dashboard in a real terminal: whatever ends it leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import psutil
import pytest

from tests.support.dev import ENVIRONMENT, PATIENCE


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[pexpect.spawn]:
    """A `tasker dev` in a pseudo-terminal, whose dashboard is open."""
    argv = [
        "-m",
        "tasker_tui.cli",
        "dev",
        "--port",
        "0",
        "--worker-port",
        "0",
        "--data-dir",
        str(tmp_path / "data"),
    ]
    terminal = pexpect.spawn(
        sys.executable,
        argv,
        cwd=str(tmp_path),
        env=ENVIRONMENT | {"TERM": "xterm-256color", "LANG": "C.UTF-8"},
        dimensions=(30, 110),
        timeout=PATIENCE,
        encoding="utf-8",
    )
    terminal.expect("starting PostgreSQL")
    terminal.expect("No task has been started yet")
    yield terminal
    with contextlib.suppress(OSError):
        os.kill(terminal.pid, signal.SIGKILL)
        terminal.close(force=True)


def parts_of(terminal: pexpect.spawn) -> list[psutil.Process]:
    parts = psutil.Process(terminal.pid).children()
    assert len(parts) == 3
    return parts


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE)
    return all(process.status() == psutil.STATUS_ZOMBIE for process in alive)


def test_leaving_the_dashboard_ends_everything(dev: pexpect.spawn) -> None:
    parts = parts_of(dev)
    dev.send("S")  # the stack that it belongs to is shown, and left the same way
    dev.expect("Stack")
    dev.send("q")
    dev.expect("stopping: the worker finishes what it runs")
    dev.expect(pexpect.EOF)
    dev.wait()
    assert dev.exitstatus == 0
    assert gone(parts)


def test_a_signal_leaves_the_terminal_in_order(dev: pexpect.spawn) -> None:
    parts = parts_of(dev)
    os.kill(dev.pid, signal.SIGTERM)
    dev.expect_exact("\x1b[?1049l")  # back from the alternate screen
    dev.expect(pexpect.EOF)
    dev.wait()
    assert dev.exitstatus == 0
    assert gone(parts)


def test_closing_the_terminal_ends_everything(dev: pexpect.spawn) -> None:
    processes = [psutil.Process(dev.pid), *parts_of(dev)]
    # Not os.close: who closes a number twice closes what somebody else has opened in between.
    dev.ptyproc.fileobj.close()
    assert gone(processes)
