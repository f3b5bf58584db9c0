"""A supervised process: watched, started again, asked to finish, killed when it does not."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from tasker_tui.dev.command import Command, child_command
from tasker_tui.dev.process import Plan, SupervisedProcess
from tasker_tui.dev.status import State

OBEDIENT = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {OBEDIENT}"
FAILING = "import sys; print('cannot work'); sys.exit(3)"


class Watched:
    """A supervised Python program that is ready once it printed `up`."""

    def __init__(self, program: str, stop_seconds: float = 20.0) -> None:
        self.lines: list[str] = []
        self.changed = asyncio.Event()
        self._argv = [sys.executable, "-c", program]
        plan = Plan("part", self._command, self._up, signal.SIGTERM, lambda: stop_seconds)
        self.process = SupervisedProcess(plan, self._on_line, self.changed.set)
        self.run = asyncio.create_task(self.process.run())

    async def _command(self) -> Command:
        self.lines.append("---")
        return child_command(self._argv, cwd=Path.cwd(), death_signal=signal.SIGKILL)

    async def _up(self) -> None:
        await self.until(lambda: self.lines[-1] == "up")

    def _on_line(self, _name: str, line: str) -> None:
        self.lines.append(line)
        self.changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that a line or a change of state makes true."""
        while not condition():
            self.changed.clear()
            await self.changed.wait()

    async def running(self, restarts: int = 0) -> psutil.Process:
        """The process, once it is ready after so many restarts."""
        await self.until(lambda: self._is(State.RUNNING) and self.process.status().restarts == restarts)
        pid = self.process.status().pid
        assert pid is not None
        return psutil.Process(pid)

    def _is(self, state: State) -> bool:
        return self.process.status().state is state


@pytest.fixture
async def watch() -> AsyncIterator[Callable[..., Watched]]:
    started: list[Watched] = []

    def start(program: str, stop_seconds: float = 20.0) -> Watched:
        started.append(Watched(program, stop_seconds))
        return started[-1]

    yield start
    for watched in started:
        watched.process.stop()
        watched.process.kill()
        await watched.run


async def test_it_shows_what_runs(watch: Callable[..., Watched]) -> None:
    watched = watch(OBEDIENT)
    process = await watched.running()
    status = watched.process.status()
    assert status.last_lines == ("up",)
    measured = watched.process.measure()
    assert measured is not None
    assert measured[1] > 1_000_000
    assert process.cmdline()[-1] == OBEDIENT


async def test_it_has_a_session_of_its_own(watch: Callable[..., Watched]) -> None:
    process = await watch(OBEDIENT).running()
    assert os.getsid(process.pid) == process.pid


async def test_a_killed_process_is_started_again(watch: Callable[..., Watched]) -> None:
    watched = watch(OBEDIENT)
    (await watched.running()).kill()
    await watched.running(restarts=1)
    assert "part was ended by SIGKILL; starts again in 0.25 s" in watched.lines


async def test_the_delay_between_failures_doubles(watch: Callable[..., Watched]) -> None:
    watched = watch(FAILING)
    await watched.until(lambda: any("1 s" in line for line in watched.lines))
    assert [line for line in watched.lines if line.startswith("part ")] == [
        f"part ended with exit code 3; starts again in {delay} s" for delay in ("0.25", "0.5", "1")
    ]
    assert "cannot work" in watched.lines
    assert watched.process.status().state is State.RESTARTING


async def test_a_restart_waits_for_the_end_and_then_for_nothing(watch: Callable[..., Watched]) -> None:
    watched = watch(OBEDIENT)
    first = await watched.running()
    watched.process.restart()
    second = await watched.running(restarts=1)
    assert first.pid != second.pid
    assert not first.is_running()
    assert not any("starts again" in line for line in watched.lines)


async def test_a_restart_ends_the_wait_after_a_failure(watch: Callable[..., Watched], tmp_path: Path) -> None:
    flag = tmp_path / "fixed"
    watched = watch(f"import os; os.path.exists({str(flag)!r}) or exit(3); {OBEDIENT}")
    await watched.until(lambda: any("in 2 s" in line for line in watched.lines))
    flag.write_text("")
    watched.process.restart()
    await watched.until(lambda: watched.process.status().state is State.RUNNING)


async def test_a_stop_lets_it_finish_and_does_not_start_it_again(watch: Callable[..., Watched]) -> None:
    watched = watch(OBEDIENT)
    process = await watched.running()
    watched.process.stop()
    await watched.run
    assert watched.process.status().state is State.STOPPED
    assert not process.is_running()
    assert watched.lines.count("---") == 1


async def test_what_does_not_finish_in_time_is_killed(watch: Callable[..., Watched]) -> None:
    watched = watch(STUBBORN, stop_seconds=0.1)
    process = await watched.running()
    watched.process.stop()
    await watched.run
    assert not process.is_running()
    assert "did not finish within 0.1 s and is killed" in watched.lines


async def test_output_without_end_is_cut_into_lines_of_bounded_length(watch: Callable[..., Watched]) -> None:
    watched = watch("print('x' * 300_000, flush=True); " + OBEDIENT)
    await watched.running()
    long = [len(line) for line in watched.lines if line.startswith("x")]
    assert sum(long) == 300_000
    assert max(long) < 200_000


async def test_a_halted_process_waits_for_being_started(watch: Callable[..., Watched]) -> None:
    watched = watch(OBEDIENT)
    first = await watched.running()
    watched.process.halt()
    await watched.until(lambda: watched.process.state is State.STOPPED)
    assert not first.is_running()
    assert watched.process.status().detail == "stopped by hand"
    watched.process.restart(reload=True)  # an edit does not start it
    assert watched.process.halted
    watched.process.resume()
    second = await watched.running(restarts=1)
    assert second.is_running()
    assert watched.process.lines_after(1) == (2, ["up"])
    assert watched.process.lines_after(2) == (2, [])


async def test_a_halt_ends_the_wait_after_a_failure(watch: Callable[..., Watched]) -> None:
    watched = watch(FAILING)
    await watched.until(lambda: watched.process.state is State.RESTARTING)
    watched.process.halt()
    await watched.until(lambda: watched.process.state is State.STOPPED)
    watched.process.restart()
    await watched.until(lambda: watched.process.starts == 2)


async def test_a_start_after_an_edit_is_counted_as_a_reload(watch: Callable[..., Watched]) -> None:
    watched = watch(OBEDIENT)
    await watched.running()
    watched.process.restart(reload=True)
    await watched.until(lambda: watched.process.starts == 2 and watched.process.state is State.RUNNING)
    assert (watched.process.status().restarts, watched.process.status().reloads) == (0, 1)
