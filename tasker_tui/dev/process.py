"""One supervised process of the local stack: started, watched, started again when it ends, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from tasker_tui.dev.command import Command
from tasker_tui.dev.errors import StackError
from tasker_tui.dev.status import Meter, ProcessStatus, State

KEPT_LINES = 1000
SHOWN_LINES = 200
FIRST_DELAY = 0.25
LONGEST_DELAY = 30.0
STEADY_AFTER = 20.0
CHUNK = 65536

OnLine = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How one process is run.

    `command` gives what to start, each time anew, `input` what it reads from standard input as soon as that
    is known; `ready` returns once the process does its work. `stop_signal` asks it to finish, for so long
    as `stop_seconds` says; then it is killed.
    """

    name: str
    command: Callable[[], Awaitable[Command]]
    ready: Callable[[], Awaitable[None]]
    stop_signal: signal.Signals
    stop_seconds: Callable[[], float]
    input: Callable[[], Awaitable[bytes]] | None = None


class SupervisedProcess:
    """Keeps the process of a plan running between `run` and `stop`.

    An end that nobody asked for is followed by a new start, after a delay that doubles up to 30 s and
    begins again once a run lasted. `ready` is set while it does its work, `failed` once it ended by itself;
    `last_end` says how. `state` is where it is, `starts` counts how often it was started. `on_line` gets
    every line of output, `on_change` is told of every change of state.
    """

    def __init__(self, plan: Plan, on_line: OnLine, on_change: Callable[[], None]) -> None:
        self.plan = plan
        self.ready = asyncio.Event()
        self.failed = asyncio.Event()
        self.last_end = ""
        self._on_line = on_line
        self._on_change = on_change
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._said = 0
        self._meter = Meter()
        self._process: asyncio.subprocess.Process | None = None
        self.state = State.WAITING
        self._detail = ""
        self._restarts = 0
        self._reloads = 0
        self.starts = 0
        self._reloading = False
        self._since = datetime.now(UTC)
        self._leave = asyncio.Event()
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._stopped = False

    def status(self) -> ProcessStatus:
        """The process as it is now."""
        pid = self._process.pid if self._process else None
        lines = tuple(self._lines)[-SHOWN_LINES:]
        return ProcessStatus(
            self.plan.name, self.state, pid, self._restarts, self._reloads, self._detail, self._since, lines
        )

    def measure(self) -> tuple[float, int] | None:
        """CPU in percent of one core since the last call, and memory in bytes, both with its children's.

        None while it does not run. Callable from any thread; takes milliseconds.
        """
        process = self._process
        return self._meter.read(process.pid) if process else None

    def lines_after(self, number: int) -> tuple[int, list[str]]:
        """How many lines it wrote, and those after the first `number` as far as they are kept."""
        missing = min(max(self._said - number, 0), len(self._lines))
        return self._said, list(self._lines)[len(self._lines) - missing :]

    @property
    def halted(self) -> bool:
        """Whether it was stopped by hand, to be started by hand."""
        return not self._wanted.is_set()

    async def run(self) -> None:
        """Keep the process running until `stop`; on cancellation it is killed."""
        delay = FIRST_DELAY
        while not self._stopped:
            began = time.monotonic()
            self.last_end = await self._run_once()
            if self._leave.is_set():
                self._leave.clear()
            else:
                delay = FIRST_DELAY if time.monotonic() - began > STEADY_AFTER else delay
                await self._back_off(delay)
                delay = min(delay * 2, LONGEST_DELAY)
            await self._until_wanted()
            self._count_start()
        self._change(State.STOPPED)

    def restart(self, *, reload: bool = False) -> None:
        """Let the process finish what it runs, and start it again at once; `reload` if its sources changed.

        One that was stopped by hand stays so when its sources change.
        """
        if self.halted and reload:
            return
        self._reloading = reload
        if self.halted:
            self.resume()
        else:
            self._leave.set()

    def halt(self) -> None:
        """Let the process finish what it runs, and start it again only when `resume` is called."""
        if not self.halted:
            self._wanted.clear()
            self._leave.set()

    def resume(self) -> None:
        """Start the process that was halted."""
        self._wanted.set()

    def stop(self) -> None:
        """Let the process finish what it runs; `run` then returns."""
        self._stopped = True
        self._wanted.set()
        self._leave.set()

    def kill(self) -> None:
        """End the process, and what it started in its session, at once."""
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def say(self, line: str) -> None:
        """Add a line to the process's output."""
        self._lines.append(line)
        self._said += 1
        self._on_line(self.plan.name, line)

    async def _until_wanted(self) -> None:
        if self.halted:
            self._change(State.STOPPED, "stopped by hand")
            await self._wanted.wait()
            self._leave.clear()

    def _count_start(self) -> None:
        if self._reloading:
            self._reloads += 1
        else:
            self._restarts += not self._stopped
        self._reloading = False

    async def _run_once(self) -> str:
        """Start the process and see it to its end; returns in words how it ended."""
        self._change(State.STARTING)
        try:
            process = await self._start()
        except (OSError, StackError) as error:
            return f"could not start: {error}"
        work = (self._pump(process), self._feed(process), self._watch_ready())
        helpers = [asyncio.create_task(part) for part in work]
        try:
            code = await self._see_out(process)
        finally:
            self.kill()
            self.ready.clear()
            # Whatever it started may hold the pipe open; what that writes later is nobody's.
            await asyncio.wait(helpers[:1], timeout=1.0)
            for helper in helpers:
                helper.cancel()
            self._process = None
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    async def _start(self) -> asyncio.subprocess.Process:
        command = await self.plan.command()
        self.starts += 1
        self._process = await asyncio.create_subprocess_exec(
            *command.argv,
            cwd=command.cwd,
            stdin=asyncio.subprocess.PIPE if self.plan.input else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        return self._process

    async def _see_out(self, process: asyncio.subprocess.Process) -> int:
        """Wait for the end of the process, or bring it about when it is to leave."""
        leave = asyncio.create_task(self._leave.wait())
        end = asyncio.create_task(process.wait())
        await asyncio.wait((leave, end), return_when=asyncio.FIRST_COMPLETED)
        leave.cancel()
        if not end.done():
            patience = self.plan.stop_seconds()
            self._change(State.STOPPING, f"has {patience:g} s to finish what it runs")
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(self.plan.stop_signal)
            await asyncio.wait((end,), timeout=patience)
            if not end.done():
                self.say(f"did not finish within {patience:g} s and is killed")
                self.kill()
        return await end

    async def _feed(self, process: asyncio.subprocess.Process) -> None:
        if self.plan.input and process.stdin:
            process.stdin.write(await self.plan.input())
            process.stdin.close()

    async def _watch_ready(self) -> None:
        await self.plan.ready()
        if self.state is State.STARTING:
            self.ready.set()
            self._change(State.RUNNING)

    async def _pump(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        rest = b""
        while chunk := await process.stdout.read(CHUNK):
            *whole, rest = (rest + chunk).split(b"\n")
            if len(rest) >= CHUNK:
                whole, rest = [*whole, rest], b""
            for line in whole:
                self.say(line.decode(errors="replace").rstrip("\r"))
        if rest:
            self.say(rest.decode(errors="replace"))

    async def _back_off(self, delay: float) -> None:
        self.failed.set()
        self._change(State.RESTARTING, f"{self.last_end}; starts again in {delay:g} s")
        self.say(f"{self.plan.name} {self._detail}")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._leave.wait(), delay)
        self._leave.clear()

    def _change(self, state: State, detail: str = "") -> None:
        self.state, self._detail, self._since = state, detail, datetime.now(UTC)
        self._on_change()
