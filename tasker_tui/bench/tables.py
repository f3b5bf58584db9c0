"""The report as tables for people, beside what was aimed at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tasker_tui.bench.comparison import Comparison
from tasker_tui.bench.functions import FunctionTime
from tasker_tui.bench.machine import Machine
from tasker_tui.bench.report import HandlerFigures, Report
from tasker_tui.bench.statistics import Distribution, Repeated

Line = tuple[str, str, str, bool | None]
"""What, the figure, the target, and whether it was reached; None where there is no target."""


def render(report: Report) -> RenderableType:
    """All tables of a report."""
    heading = about(report.version, report.machine, report.settings)
    figures = line_table(_lines(report))
    parts: list[RenderableType] = [heading, Text(), figures, Text(), _processes(report)]
    for title, times in (
        ("one task at a time", report.functions_idle),
        ("full load", report.functions_loaded),
    ):
        if times is not None:
            parts += [Text(), _functions(title, times)]
    return Group(*parts)


def about(version: str, machine: Machine, settings: Mapping[str, str]) -> Text:
    """What the figures belong to, and a warning when others used the machine."""
    lines = [
        f"Tasker {version} on {machine.processor}, {machine.cores} cores, {machine.memory_gib} GiB, "
        f"{machine.filesystem}",
        f"PostgreSQL {settings['server_version']}, fsync {settings['fsync']}, "
        f"synchronous_commit {settings['synchronous_commit']}",
    ]
    if not machine.is_quiet:
        lines.append(_noise(machine))
    return Text("\n".join(lines))


def _noise(machine: Machine) -> str:
    return f"the machine was not quiet (load {machine.load}): figures are lower than it could give"


def line_table(lines: Iterable[Line]) -> Table:
    """What was measured, beside what was aimed at."""
    table = plain_table("WHAT", "MEASURED", "TARGET", "")
    for what, figure, target, reached in lines:
        mark = {None: "", True: "✓", False: "missed"}[reached]
        table.add_row(what, figure, target, Text(mark, style="green" if reached else "red"))
    return table


def _lines(report: Report) -> Iterator[Line]:
    linear = report.shape == "linear"
    for handlers, figures in report.throughput.items():
        speed, steps = figures.tasks_per_s, figures.written.steps_per_task
        aimed = linear and handlers == "async"
        yield (
            f"{report.shape}, `{handlers}` handlers",
            f"{repeated(speed)} tasks/s, {speed.median * steps:,.0f} steps/s",
            "2,000 tasks/s" if aimed else "",
            speed.median >= 2_000 if aimed else None,
        )
    seen = report.latency.seen
    yield (
        "create to complete, idle, over HTTP",
        _distribution(seen),
        "p50 10 ms, p99 25 ms" if linear else "",
        seen.p50 <= 10 and seen.p99 <= 25 if linear else None,
    )
    yield "  as recorded in the database", _distribution(report.latency.recorded), "", None
    together, alone = report.create_together, report.create_alone
    yield (
        f"POST /v1/tasks, {together.connections} connections",
        f"{together.per_s:,.0f}/s, {_distribution(together.answers)}",
        "1,000/s, p99 60 ms",
        together.per_s >= 1_000 and together.answers.p99 <= 60,
    )
    yield "POST /v1/tasks, one at a time", _distribution(alone.answers), "p99 10 ms", alone.answers.p99 <= 10
    yield from _extras(report)
    baseline = report.baseline
    yield (
        "raw PostgreSQL, insert and commit",
        f"{baseline.commits_per_s_1:,.0f}/s on 1 connection, {baseline.commits_per_s_8:,.0f}/s on 8",
        "",
        None,
    )
    written = report.headline.written
    yield (
        "written a task, read back",
        f"{written.transitions_per_task:g} transitions in {written.log_rows_per_task:g} rows, "
        f"{written.attempts_per_task:g} attempts",
        "",
        None,
    )


def _extras(report: Report) -> Iterator[Line]:
    if (history := report.history) is not None:
        yield (
            f"the same above {history.finished:,} finished tasks",
            compared(history.speed),
            "90 %",
            history.speed.ratio >= 0.9,
        )
    if (held := report.held_snapshot) is not None:
        yield (
            f"the same under a snapshot held for {held.seconds:.0f} s",
            compared(held.speed),
            "80 %",
            held.speed.ratio >= 0.8,
        )
    if (rabbit := report.rabbitmq) is not None:
        yield "the same through RabbitMQ", compared(rabbit.speed), "", None
        yield "  create to complete, idle, over HTTP", _distribution(rabbit.latency.seen), "", None
    if (waiting := report.waiting) is not None:
        yield (
            f"memory of engine and worker, {waiting.tasks:,} tasks waiting",
            f"{waiting.together_mib:.0f} MiB ({waiting.engine_mib:.0f} + {waiting.worker_mib:.0f})",
            "200 MB",
            waiting.together_mib * 1.048576 <= 200,
        )
    if (starting := report.starting) is not None:
        first, later = starting.first_s.median, starting.later_s.median
        yield "tasker dev --headless to ready, first", f"{first:.2f} s", "4 s", first <= 4
        yield "tasker dev --headless to ready, later", f"{later:.2f} s", "2 s", later <= 2


def _processes(report: Report) -> Table:
    table = plain_table("PROCESS", "HANDLERS", "CPU", "CPU A TASK", "MEMORY")
    for handlers, figures in report.throughput.items():
        for name, cells in _used(figures):
            table.add_row(name, handlers, *cells)
    return table


def _used(figures: HandlerFigures) -> Iterator[tuple[str, tuple[str, str, str]]]:
    for name, usage in sorted(figures.usage.items()):
        cpu = f"{figures.cpu_ms_per_task[name]:.3f} ms"
        yield name, (f"{usage.cpu_percent:.0f} %", cpu, f"{usage.memory_mib:.0f} MiB")


def _functions(title: str, times: Iterable[FunctionTime]) -> Table:
    table = plain_table(f"FUNCTION, {title.upper()}", "CALLS", "MEAN", "ROWS A CALL")
    for one in times:
        table.add_row(one.name, f"{one.calls:,}", f"{one.mean_ms:.2f} ms", f"{one.rows_per_call:.1f}")
    return table


def repeated(figure: Repeated) -> str:
    """The median, and how far the runs lie around it."""
    noise = f" ±{figure.spread / 2:.0%}" if len(figure.runs) > 1 else ""
    return f"{figure.median:,.0f}{noise}"


def compared(speed: Comparison) -> str:
    """The ratio, with both figures."""
    return f"{speed.ratio:.0%} ({repeated(speed.other)} against {repeated(speed.plain)})"


def _distribution(figure: Distribution) -> str:
    return f"p50 {figure.p50:.1f}, p95 {figure.p95:.1f}, p99 {figure.p99:.1f} ms"


def plain_table(*columns: str) -> Table:
    """A table without lines."""
    return Table(*columns, box=None, pad_edge=False, header_style="bold")
