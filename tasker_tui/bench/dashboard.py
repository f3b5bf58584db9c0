"""`tasker bench --tui`: what the dashboard costs above many tasks, beside its budgets (reference tui 9)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import orjson
import psutil

from tasker_tui.bench.comparison import HISTORY_TEMPLATE, seed
from tasker_tui.bench.drawing import Drawn, measure_drawing
from tasker_tui.bench.http import Connection, expect
from tasker_tui.bench.latency import Workload
from tasker_tui.bench.machine import Machine, this_machine
from tasker_tui.bench.progress import Stages
from tasker_tui.bench.report import rounded
from tasker_tui.bench.stack import own_stack
from tasker_tui.bench.statistics import Distribution, Repeated
from tasker_tui.bench.target import Target
from tasker_tui.bench.terminal import Terminal, dashboard_in_terminal
from tasker_tui.bench.written import read_settings
from tasker_tui.text import short_id

MEBIBYTE = 1024**2
DOWN, PAGE_DOWN = "j", "\x04"
BETWEEN_KEYS = 0.15
"""Seconds without output before the next key: what comes a little later belongs to the key before."""
BETWEEN_TASKS = 0.3


@dataclass(frozen=True, slots=True)
class Effort:
    """How often the dashboard is started and how many keys of each kind it gets then, how many tasks the last
    one sees come in, and for how many seconds it is watched when idle.

    Before that is a rest in seconds: a task's age is counted in seconds for a minute.
    """

    sittings: int = 5
    keys: int = 40
    tasks: int = 40
    idle: float = 30.0
    settle: float = 2.0
    rest: float = 65.0


@dataclass(frozen=True, slots=True)
class Keys:
    """The ms from keys of one kind to the first output after each: what they are in each of the sittings."""

    p50: Repeated
    p95: Repeated
    highest: float

    @classmethod
    def of(cls, sittings: Sequence[Distribution]) -> Keys:
        """Of one sitting at least."""
        p50, p95 = (
            Repeated.of([each.p50 for each in sittings]),
            Repeated.of([each.p95 for each in sittings]),
        )
        return cls(p50, p95, max(each.highest for each in sittings))


@dataclass(frozen=True, slots=True)
class Sitting:
    """One start: the seconds from the command to the first rows, then the ms of keys."""

    first_rows: float
    in_view: Distribution
    scrolling: Distribution


@dataclass(frozen=True, slots=True)
class Shown:
    """Seconds from the command to the first rows; ms from a key to the first output, inside the view and a
    page on; ms from sending a task to its row on the screen; MiB after all that; share of a core when idle.
    """

    first_rows_s: Repeated
    key_in_view_ms: Keys
    key_scrolling_ms: Keys
    commit_to_screen_ms: Distribution
    memory_mib: float
    idle_cpu: float


@dataclass(frozen=True, slots=True)
class DashboardReport:
    """What was measured of the drawing alone, and of a dashboard above so many tasks."""

    version: str
    machine: Machine
    settings: dict[str, str]
    tasks: int
    drawn: Drawn
    shown: Shown

    def to_json(self) -> str:
        """The report for programs."""
        whole: dict[str, Any] = orjson.loads(orjson.dumps(self))
        return orjson.dumps(rounded(whole), option=orjson.OPT_INDENT_2).decode()


async def run_dashboard(tasks: int, stages: Stages, effort: Effort = Effort()) -> DashboardReport:
    """Measure on a stack of the bench's own with so many finished tasks; raises BenchError."""
    machine = this_machine()
    with stages.stage("drawing graphs", 1):
        drawn = await measure_drawing()
    async with own_stack() as target:
        settings = await read_settings(target)
        await seed(target, tasks, stages)
        shown = await measure_shown(target, effort, stages)
    return DashboardReport(version("tasker"), machine, settings, tasks, drawn, shown)


async def measure_shown(target: Target, effort: Effort, stages: Stages) -> Shown:
    """Start dashboards on a stack with tasks of `HISTORY_TEMPLATE`, and use one; raises BenchError."""
    sittings: list[Sitting] = []
    for number in range(1, effort.sittings):
        async with _sitting(target, number, effort, stages) as (found, _):
            sittings.append(found)
    async with _sitting(target, effort.sittings, effort, stages) as (found, terminal):
        sittings.append(found)
        terminal.send("g")
        process = psutil.Process(terminal.process.pid)
        with stages.stage("idle", 1):
            await asyncio.sleep(effort.rest)
            idle = await _idle(process, effort.idle)
        with stages.stage("tasks that come in", effort.tasks) as progress:
            seen = await _incoming(target, terminal, effort.tasks, progress)
        memory = process.memory_full_info().uss / MEBIBYTE
    return Shown(
        Repeated.of([each.first_rows for each in sittings]),
        Keys.of([each.in_view for each in sittings]), Keys.of([each.scrolling for each in sittings]),
        Distribution.of(seen), memory, idle,
    )  # fmt: skip


@asynccontextmanager
async def _sitting(
    target: Target, number: int, effort: Effort, stages: Stages
) -> AsyncIterator[tuple[Sitting, Terminal]]:
    """Start a dashboard and press keys; it is there until the block ends."""
    began = time.perf_counter()
    async with dashboard_in_terminal(target.url) as terminal:
        first_rows = await terminal.shows(HISTORY_TEMPLATE) - began
        await asyncio.sleep(effort.settle)
        with stages.stage(f"start and keys, {number} of {effort.sittings}", 2 * effort.keys) as progress:
            in_view = await _keys(terminal, DOWN, effort.keys, progress)
            scrolling = await _keys(terminal, PAGE_DOWN, effort.keys, lambda n: progress(effort.keys + n))
        yield Sitting(first_rows, in_view, scrolling), terminal


async def _keys(terminal: Terminal, key: str, count: int, progress: Callable[[int], None]) -> Distribution:
    """The ms from each key until something is drawn."""
    took = []
    for number in range(count):
        await terminal.quiet(BETWEEN_KEYS)
        terminal.forget()
        pressed = terminal.send(key)
        took.append((await terminal.drawn() - pressed) * 1000)
        progress(number + 1)
    return Distribution.of(took)


async def _incoming(
    target: Target, terminal: Terminal, count: int, progress: Callable[[int], None]
) -> list[float]:
    """The ms from sending each task until its id is drawn: more than from its commit."""
    took = []
    body = Workload(HISTORY_TEMPLATE).body()
    async with Connection(target.url) as connection:
        for number in range(count):
            await terminal.quiet(BETWEEN_TASKS)
            terminal.forget()
            sent = time.perf_counter()
            answer = expect(await connection.post("/v1/tasks", body), 201)
            took.append((await terminal.shows(short_id(answer.json()["task_uuid"])) - sent) * 1000)
            progress(number + 1)
    return took


async def _idle(process: psutil.Process, seconds: float) -> float:
    """The share of a core that the process takes when nothing happens."""
    before = sum(process.cpu_times()[:2])
    await asyncio.sleep(seconds)
    return (sum(process.cpu_times()[:2]) - before) / seconds
