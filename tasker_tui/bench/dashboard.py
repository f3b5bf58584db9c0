"""`tasker bench --tui`: what the dashboard costs above many tasks, beside its budgets (reference tui 9)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
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
    """How often each thing is done, and for how many seconds the idle dashboard is watched.

    Before that is a rest in seconds: a task's age is counted in seconds for a minute.
    """

    starts: int = 5
    keys: int = 40
    tasks: int = 40
    idle: float = 30.0
    settle: float = 2.0
    rest: float = 65.0


@dataclass(frozen=True, slots=True)
class Shown:
    """Seconds from the command to the first rows; ms from a key to the first output, inside the view and a
    page on; ms from sending a task to its row on the screen; MiB after all that; share of a core when idle.
    """

    first_rows_s: Repeated
    key_in_view_ms: Distribution
    key_scrolling_ms: Distribution
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
    with stages.stage("first rows", effort.starts) as progress:
        first_rows = [await _first_rows(target, n, progress) for n in range(effort.starts)]
    async with dashboard_in_terminal(target.url) as terminal:
        await terminal.shows(HISTORY_TEMPLATE)
        await asyncio.sleep(effort.settle)
        with stages.stage("keys", 2 * effort.keys) as progress:
            in_view = await _keys(terminal, DOWN, effort.keys, progress)
            scrolling = await _keys(terminal, PAGE_DOWN, effort.keys, progress)
        terminal.send("g")
        process = psutil.Process(terminal.process.pid)
        with stages.stage("idle", 1):
            await asyncio.sleep(effort.rest)
            idle = await _idle(process, effort.idle)
        with stages.stage("tasks that come in", effort.tasks) as progress:
            seen = await _incoming(target, terminal, effort.tasks, progress)
        memory = process.memory_full_info().uss / MEBIBYTE
    return Shown(
        Repeated.of(first_rows), Distribution.of(in_view), Distribution.of(scrolling), Distribution.of(seen),
        memory, idle,
    )  # fmt: skip


async def _first_rows(target: Target, number: int, progress: Callable[[int], None]) -> float:
    began = time.perf_counter()
    async with dashboard_in_terminal(target.url) as terminal:
        shown = await terminal.shows(HISTORY_TEMPLATE)
    progress(number + 1)
    return shown - began


async def _keys(terminal: Terminal, key: str, count: int, progress: Callable[[int], None]) -> list[float]:
    """The ms from each key until something is drawn."""
    took = []
    for number in range(count):
        await terminal.quiet(BETWEEN_KEYS)
        terminal.forget()
        pressed = terminal.send(key)
        took.append((await terminal.drawn() - pressed) * 1000)
        progress(number + 1)
    return took


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
