"""The same throughput above a long history: two stacks, one with and one without, measured in turn."""

from __future__ import annotations

from dataclasses import dataclass

from tasker_tui.bench.history import revision_of, seed_finished_tasks
from tasker_tui.bench.progress import Stages
from tasker_tui.bench.statistics import Repeated, ratio
from tasker_tui.bench.target import Target
from tasker_tui.bench.throughput import measure_throughput

HISTORY_TEMPLATE = "linear_async"


@dataclass(frozen=True, slots=True)
class WithHistory:
    """Tasks a second without and above `finished` finished tasks; `ratio` is the median over the pairs."""

    finished: int
    without: Repeated
    above: Repeated
    ratio: float


async def seed(target: Target, finished: int, stages: Stages) -> None:
    """Fill a stack of the bench's own with finished tasks."""
    with stages.stage("making up finished tasks", finished) as progress:
        async with target.database() as conn:
            revision = await revision_of(conn, HISTORY_TEMPLATE)
            await seed_finished_tasks(conn, revision, finished, progress)
            await conn.execute("CHECKPOINT", timeout=600)


async def measure_with_history(
    empty: Target, full: Target, finished: int, template: str, tasks: int, pairs: int, stages: Stages
) -> WithHistory:
    """Measure pairs of runs, each on the empty stack and then on the full one."""
    measured: list[tuple[float, float]] = []
    for number in range(pairs):
        figures = []
        for target, name in ((empty, "without history"), (full, "above the history")):
            with stages.stage(f"{name}, {number + 1} of {pairs}", tasks) as progress:
                figures.append((await measure_throughput(target, template, tasks, progress)).tasks_per_s)
        measured.append((figures[0], figures[1]))
    without, above = (Repeated.of(figures) for figures in zip(*measured, strict=True))
    return WithHistory(finished, without, above, ratio(measured))
