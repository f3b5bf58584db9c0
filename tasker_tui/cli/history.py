"""`tasker analytics history`: counters over time, with a line drawn of each."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tasker_tui.cli.analytics import HoursOption, analytics_app
from tasker_tui.cli.task import LOCAL, JsonOption, UrlOption

if TYPE_CHECKING:
    from engine.model.wire.statistics import Backlog, Statistics, StatisticsBucket

LEVELS = "▁▂▃▄▅▆▇█"
WIDEST = 60


class Bucket(StrEnum):
    """How much time a point of a line stands for."""

    minute = "1m"
    five_minutes = "5m"
    quarter = "15m"
    hour = "1h"
    six_hours = "6h"
    day = "1d"


@analytics_app.command()
def history(
    hours: HoursOption = 1,
    bucket: Annotated[Bucket | None, typer.Option("--bucket", help="[default: by the hours]")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n")] = None,
    template: Annotated[str | None, typer.Option("--template", "-t")] = None,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Draw what became of tasks and steps over time, and how long they took."""
    from datetime import UTC, datetime, timedelta

    from engine.client import analytics
    from tasker_tui.cli.console import print_json
    from tasker_tui.cli.session import converse

    start = datetime.now(UTC) - timedelta(hours=hours)
    call = analytics.statistics(
        start=start, bucket=bucket.value if bucket else None, namespace=namespace, template=template
    )
    found = converse(url, lambda client: client.send(call))
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: Statistics) -> None:
    from rich.table import Table

    from tasker_tui.cli.console import console

    table = Table(
        "", "IN ALL", f"{found.start:%Y-%m-%d %H:%M} … {found.end:%H:%M} UTC", box=None, pad_edge=False
    )
    for name in (
        "tasks_created", "tasks_completed", "tasks_failed", "tasks_cancelled", "steps_completed",
        "steps_failed", "steps_retried",
    ):  # fmt: skip
        line = sparkline([getattr(bucket, name) for bucket in found.buckets])
        table.add_row(name.replace("_", " "), f"{getattr(found.total, name):,}", line)
    for title, field in (("task takes", "task_durations"), ("attempt takes", "attempt_durations")):
        p95 = [getattr(bucket, field).p95_ms if getattr(bucket, field) else 0 for bucket in found.buckets]
        table.add_row(f"{title} (p95)", _percentiles(found.total, field), sparkline(p95))
    console().print(table)
    console().print(_backlog(found.backlog), markup=False)


def _percentiles(total: StatisticsBucket, field: str) -> str:
    from tasker_tui.cli.report_views import took

    figures = getattr(total, field)
    return "–" if figures is None else took(figures.p95_ms)


def _backlog(now: Backlog) -> str:
    from tasker_tui.text import duration, plural

    oldest = (
        "" if now.oldest_ready_seconds is None else f" (the oldest for {duration(now.oldest_ready_seconds)})"
    )
    tasks = f"{plural(now.open_tasks, 'task')} open, {now.blocked_tasks:,} of them blocked"
    steps = (
        f"{now.ready_steps:,} ready{oldest}, {now.running_steps:,} running, {now.retrying_steps:,} retrying"
    )
    return f"now: {tasks}; steps: {steps}"


def sparkline(values: Sequence[float]) -> str:
    """A character a value, at most 60: neighbours share one then, with the largest of them. 0 is a blank."""
    step = -(-len(values) // WIDEST) or 1
    points = [max(values[index : index + step]) for index in range(0, len(values), step)]
    most = max(points, default=0)
    if not most:
        return ""
    return "".join(" " if not one else LEVELS[min(7, int(8 * one / most))] for one in points)
