"""What the bench measures, in which order, on which stack."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

from tasker_tui.bench.baseline import measure_baseline
from tasker_tui.bench.comparison import (
    FEWEST_PAIRS,
    HISTORY_TEMPLATE,
    Load,
    compare_with_held_snapshot,
    compare_with_history,
    compare_with_rabbitmq,
    seed,
)
from tasker_tui.bench.creating import measure_creating
from tasker_tui.bench.functions import FunctionTime, forget_times, function_times
from tasker_tui.bench.latency import Workload, measure_latency
from tasker_tui.bench.machine import this_machine
from tasker_tui.bench.progress import Stages
from tasker_tui.bench.report import HandlerFigures, Report
from tasker_tui.bench.stack import own_stack
from tasker_tui.bench.starting import measure_starting
from tasker_tui.bench.statistics import Repeated
from tasker_tui.bench.target import Target
from tasker_tui.bench.throughput import Throughput, measure_throughput, until_idle
from tasker_tui.bench.waiting import measure_waiting
from tasker_tui.bench.written import read_settings, read_written
from tasker_tui.dev.options import Broker

Handlers = Literal["async", "def"]

CONNECTIONS = 32
FUNCTIONS_TASKS = 100_000


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured, beside the tasks of a run."""

    warm_up: int = 1_000
    samples: int = 400
    creations: int = 500
    creations_together: int = 8_000


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """What was asked for. `url` and `database_url` name a running system.

    Without them the bench has a stack of its own, which alone can be measured above `history` finished tasks,
    under a snapshot held for `held_snapshot` seconds, with `waiting` tasks, beside one whose messages go
    through RabbitMQ (`broker` both), and for the times that its functions and its start take.
    """

    shape: str
    tasks: int
    handlers: Sequence[Handlers]
    runs: int
    url: str | None = None
    database_url: str | None = None
    broker: Literal["pgmq", "rabbitmq", "both"] = "pgmq"
    history: int = 0
    held_snapshot: float = 0.0
    waiting: int = 0
    functions: bool = False
    start: bool = False
    effort: Effort = Effort()

    def template(self, handlers: Handlers) -> str:
        """The template of the shape with these handlers."""
        return f"{self.shape}_{handlers}"

    @property
    def main_template(self) -> str:
        """The one that everything but the throughput is measured with."""
        return self.template(self.handlers[0])


async def run_bench(options: BenchOptions, stages: Stages) -> Report:
    """Measure everything that was asked for; raises BenchError."""
    broker: Broker = "rabbitmq" if options.broker == "rabbitmq" else "pgmq"
    async with chosen_target(options.url, options.database_url, broker) as target:
        report = await _basics(options, target, stages)
        for handlers in options.handlers:
            report.throughput[handlers] = await _throughput(options, target, handlers, stages)
        load = Load(options.main_template, options.tasks, max(options.runs, FEWEST_PAIRS))
        if options.broker == "both":
            effort = options.effort
            async with own_stack("rabbitmq") as other:
                report.rabbitmq = await compare_with_rabbitmq(
                    target, other, load, effort.warm_up, effort.samples, stages
                )
        if seconds := options.held_snapshot:
            async with own_stack(broker) as other:
                report.held_snapshot = await compare_with_held_snapshot(target, other, seconds, load, stages)
        if finished := options.history:
            async with own_stack(broker) as other:
                report.history = await compare_with_history(target, other, finished, load, stages)
        if options.waiting:
            report.waiting = await measure_waiting(target, HISTORY_TEMPLATE, options.waiting, stages)
    if options.functions:
        report.functions_idle, report.functions_loaded = await _functions(options, stages)
    if options.start:
        report.starting = await measure_starting(stages)
    return report


@asynccontextmanager
async def chosen_target(
    url: str | None, database_url: str | None, broker: Broker = "pgmq"
) -> AsyncIterator[Target]:
    """The system that runs already, or a stack of the bench's own."""
    if url and database_url:
        yield Target(url, database_url)
    else:
        async with own_stack(broker) as target:
            yield target


async def _basics(options: BenchOptions, target: Target, stages: Stages) -> Report:
    machine, effort, template = this_machine(), options.effort, options.main_template
    settings = await read_settings(target)
    with stages.stage("raw PostgreSQL", 1):
        baseline = await measure_baseline(target)
    with stages.stage("warming up", effort.warm_up) as progress:
        await measure_throughput(target, template, effort.warm_up, progress)
    with stages.stage("one task at a time", effort.samples) as progress:
        latency = await measure_latency(target, Workload(template), effort.samples, progress)
    with stages.stage("creating, one at a time", effort.creations) as progress:
        alone = await measure_creating(target, template, 1, effort.creations, progress)
    with stages.stage(f"creating, {CONNECTIONS} connections", effort.creations_together) as progress:
        together = await measure_creating(target, template, CONNECTIONS, effort.creations_together, progress)
    await until_idle(target)
    return Report(
        version("tasker"), options.shape, options.tasks, machine, settings, baseline, latency, alone, together
    )


async def _throughput(
    options: BenchOptions, target: Target, handlers: Handlers, stages: Stages
) -> HandlerFigures:
    template, runs = options.template(handlers), []
    async with target.database() as conn:
        since = await conn.fetchval("SELECT tasker.now()")
    for number in range(options.runs):
        with stages.stage(f"{template}, {number + 1} of {options.runs}", options.tasks) as progress:
            runs.append(await measure_throughput(target, template, options.tasks, progress))
    with stages.stage("reading back what was written", 1):
        written = await read_written(target, template, since, options.tasks * options.runs)
    middle = sorted(runs, key=lambda run: run.tasks_per_s)[len(runs) // 2]
    speeds = Repeated.of([run.tasks_per_s for run in runs])
    return HandlerFigures(template, speeds, middle.usage, _cpu_per_task(middle), written)


def _cpu_per_task(run: Throughput) -> dict[str, float]:
    seconds = {name: usage.cpu_percent / 100 * run.seconds for name, usage in run.usage.items()}
    return {name: used * 1000 / run.tasks for name, used in seconds.items()}


async def _functions(options: BenchOptions, stages: Stages) -> tuple[list[FunctionTime], list[FunctionTime]]:
    """Times of a call while tasks come one at a time, and under full load, above 100,000 finished tasks."""
    template, effort = options.main_template, options.effort
    async with own_stack() as target:
        await seed(target, FUNCTIONS_TASKS, stages)
        with stages.stage("warming up", effort.warm_up) as progress:
            await measure_throughput(target, template, effort.warm_up, progress)
        await forget_times(target)
        with stages.stage("times of functions, one task at a time", effort.samples) as progress:
            await measure_latency(target, Workload(template), effort.samples, progress)
        idle = await function_times(target)
        await forget_times(target)
        with stages.stage("times of functions, full load", options.tasks) as progress:
            await measure_throughput(target, template, options.tasks, progress)
        return idle, await function_times(target)
