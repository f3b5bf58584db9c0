"""`tasker analytics …`: how the system does, and where its time goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tasker_tui.cli.task import LOCAL, JsonOption, UrlOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.wire.operations import PerformanceMetrics, SlowStepInfo, SlowTaskInfo
    from engine.model.wire.statistics import TemplateStatistics

analytics_app = typer.Typer(
    help="See how the system does, and where its time goes.", no_args_is_help=True, rich_markup_mode=None
)

HoursOption = Annotated[int, typer.Option("--hours", min=1, max=720, help="How far back to look.")]


@analytics_app.command()
def performance(hours: HoursOption = 24, url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """Say how many tasks ran, how they ended and how long they took."""
    from engine.client import analytics
    from tasker_tui.cli.console import print_json
    from tasker_tui.cli.session import converse

    found = converse(url, lambda client: client.send(analytics.performance(hours=hours)))
    if as_json:
        print_json(found)
    else:
        _print_performance(found)


def _print_performance(found: PerformanceMetrics) -> None:
    from rich.table import Table

    from tasker_tui.cli.console import console

    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in (
        ("since", f"{found.analysis_period_start:%Y-%m-%d %H:%M} UTC"),
        ("tasks", str(found.total_tasks)),
        ("active", str(found.active_tasks)),
        ("completed", f"{found.completed_tasks} ({found.completion_rate:.0%})"),
        ("failed", f"{found.failed_tasks} ({found.error_rate:.0%})"),
        ("task takes", f"{found.average_task_duration_seconds:.3f} s on average"),
        ("step takes", f"{found.average_step_duration_seconds:.3f} s on average"),
        ("an hour", f"{found.tasks_per_hour} tasks, {found.steps_per_hour} steps"),
        ("health", f"{found.system_health_score:.2f} of 1"),
    ):
        table.add_row(name, value)
    console().print(table)


@analytics_app.command()
def bottlenecks(
    hours: HoursOption = 24,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, max=100, help="Rows a table.")] = 10,
    min_executions: Annotated[
        int, typer.Option("--min-executions", min=1, help="Leave out what ran less often.")
    ] = 5,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """List the slowest steps and templates, and say what to do about them."""
    from engine.client import analytics
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.session import converse

    call = analytics.bottlenecks(hours=hours, limit=limit, min_executions=min_executions)
    found = converse(url, lambda client: client.send(call))
    if as_json:
        print_json(found)
        return
    if not found.slow_steps and not found.slow_tasks:
        console().print(f"nothing ran {min_executions} times in {hours} h; try --min-executions 1")
    for title, rows in (("STEP", found.slow_steps), ("TEMPLATE", found.slow_tasks)):
        _print_slow(title, rows)
    for sentence in found.recommendations:
        console().print(f"* {sentence}", markup=False)


def _print_slow(title: str, rows: Sequence[SlowStepInfo | SlowTaskInfo]) -> None:
    from rich.table import Table
    from rich.text import Text

    from tasker_tui.cli.console import console

    if not rows:
        return
    table = Table(box=None, pad_edge=False)
    for column in ("AVERAGE", "LONGEST", "RUNS", "ERRORS", title):
        table.add_column(column)
    for one in rows:
        step = getattr(one, "step_name", "")
        table.add_row(
            f"{one.average_duration_seconds:.3f} s",
            f"{one.max_duration_seconds:.3f} s",
            str(one.execution_count),
            f"{one.error_count} ({one.error_rate:.0%})",
            Text(f"{one.namespace_name}/{one.task_name} {one.version} {step}".rstrip()),
        )
    console().print(table)


@analytics_app.command()
def templates(hours: HoursOption = 24, url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """List the templates: their tasks, how they ended, how long they took, and when the last began."""
    from engine.client import analytics
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.session import converse

    found = converse(url, lambda client: client.send(analytics.template_statistics(hours=hours)))
    if as_json:
        print_json(found)
    elif not found.templates:
        console().print("no template is registered yet; a worker that starts registers its templates")
    else:
        _print_templates(found)


def _print_templates(found: TemplateStatistics) -> None:
    from rich.table import Table

    from tasker_tui.cli.console import console, plain
    from tasker_tui.text import age, duration

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("TEMPLATE", "VERSION", "TASKS", "COMPLETE", "FAILED", "P50", "P95", "LAST"):
        table.add_column(column)
    for one in found.templates:
        took = one.task_durations
        table.add_row(
            plain(f"{one.namespace}/{one.name}"),
            plain(one.version),
            str(one.tasks_created),
            str(one.tasks_completed),
            str(one.tasks_failed),
            duration(took.p50_ms / 1000) if took else "",
            duration(took.p95_ms / 1000) if took else "",
            age(one.last_created_at, found.end) if one.last_created_at else "",
        )
    console().print(table)
