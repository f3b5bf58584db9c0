"""`tasker bench --scale`: two engines beside one, and one, two and four workers whose steps wait."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import orjson
from rich.console import Group, RenderableType
from rich.text import Text

from tasker_tui.bench.comparison import Comparison, Load, run_load
from tasker_tui.bench.instances import more_workers, one_more_engine
from tasker_tui.bench.machine import Machine, this_machine
from tasker_tui.bench.progress import Stages
from tasker_tui.bench.report import rounded
from tasker_tui.bench.stack import SLOTS
from tasker_tui.bench.statistics import Repeated, ratio
from tasker_tui.bench.tables import Line, about, compared, line_table, repeated
from tasker_tui.bench.target import Target
from tasker_tui.bench.written import read_settings, read_written

QUICK, WAITING = "linear_async", "linear_wait"
WORKERS = (1, 2, 4)
STEPS, STEP_SECONDS = 4, 0.1
ENGINES_TARGET = 0.9
WARM_UP = 1_000


@dataclass(frozen=True, slots=True)
class ScaleReport:
    """Tasks a second with two engines beside those with one (pairs of runs), and by the number of workers."""

    version: str
    machine: Machine
    settings: Mapping[str, str]
    tasks: int
    waiting_tasks: int
    two_engines: Comparison
    workers: Mapping[int, Repeated]

    def to_json(self) -> str:
        """The report for programs."""
        whole: dict[str, Any] = orjson.loads(orjson.dumps(self, option=orjson.OPT_NON_STR_KEYS))
        return orjson.dumps(rounded(whole), option=orjson.OPT_INDENT_2).decode()

    def render(self) -> RenderableType:
        """The report for people."""
        heading = about(self.version, self.machine, self.settings)
        return Group(heading, Text(), line_table(self._lines()))

    def _lines(self) -> Iterator[Line]:
        engines = self.two_engines
        yield "two engines beside one", compared(engines), "90 %", engines.ratio >= ENGINES_TARGET
        one = self.workers[1].median
        for count, speed in self.workers.items():
            most = count * SLOTS / (STEPS * STEP_SECONDS)
            yield (
                f"four steps of 100 ms, workers of {SLOTS} slots: {count}",
                f"{repeated(speed)} tasks/s, {speed.median / one:.2f} times one, "
                f"{speed.median / most:.0%} of what the slots allow",
                "",
                None,
            )


async def run_scale(
    target: Target, tasks: int, rounds: int, stages: Stages, workers: Sequence[int] = WORKERS
) -> ScaleReport:
    """Measure on a stack of the bench's own: so many pairs of runs with one engine and with two, so many
    rounds of runs with each number of workers, of a fifth of the tasks. Raises BenchError."""
    machine, waiting = this_machine(), max(tasks // 5, 1)
    settings = await read_settings(target)
    warm_up = Load(QUICK, min(tasks, WARM_UP), 1)
    await run_load(target, "warming up", warm_up, stages)
    async with target.database() as conn:
        since = await conn.fetchval("SELECT tasker.now()")
    engines = await _compare_engines(target, Load(QUICK, tasks, rounds), warm_up, stages)
    speeds = await _compare_workers(target, workers, Load(WAITING, waiting, rounds), stages)
    with stages.stage("reading back what was written", 1):
        await read_written(target, QUICK, since, rounds * (2 * tasks + warm_up.tasks))
        await read_written(target, WAITING, since, len(workers) * rounds * waiting)
    return ScaleReport(version("tasker"), machine, settings, tasks, waiting, engines, speeds)


async def _compare_engines(target: Target, load: Load, warm_up: Load, stages: Stages) -> Comparison:
    """The second engine is new in each pair, and so warmed up as the first one was: a new process imports
    what it uses and prepares its statements in its first second."""
    pairs: list[tuple[float, float]] = []
    for number in range(1, load.pairs + 1):
        one = await run_load(target, f"one engine, {number} of {load.pairs}", load, stages)
        async with one_more_engine(target) as both:
            await run_load(both, f"warming up, {number} of {load.pairs}", warm_up, stages)
            two = await run_load(both, f"two engines, {number} of {load.pairs}", load, stages)
        pairs.append((one, two))
    plain, other = (Repeated.of(figures) for figures in zip(*pairs, strict=True))
    return Comparison(plain, other, ratio(pairs))


async def _compare_workers(
    target: Target, counts: Sequence[int], load: Load, stages: Stages
) -> dict[int, Repeated]:
    runs: dict[int, list[float]] = {count: [] for count in counts}
    for number in range(1, load.pairs + 1):
        for count in counts:
            title = f"workers: {count}, {number} of {load.pairs}"
            async with more_workers(target, count - 1):
                runs[count].append(await run_load(target, title, load, stages))
    return {count: Repeated.of(figures) for count, figures in runs.items()}
