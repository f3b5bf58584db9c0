"""The local stack as tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from tasker_tui.cli.console import plain
from tasker_tui.dev.report import Check, Reloaded, StackReport
from tasker_tui.text import age, clock_time, duration

MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}
STATES = {"running": "green", "stopped": "yellow", "restarting": "red"}


def stack_tables(report: StackReport) -> Iterator[Table | Text]:
    """All that `tasker dev status` shows."""
    up = duration((datetime.now(UTC) - report.started_at).total_seconds())
    where = f", data in {report.data_dir}" if report.data_dir else ""
    yield plain(f"{report.url}, up {up}{where}")
    for note in (report.doing, report.trouble):
        if note:
            yield plain(note)
    yield _parts(report)
    yield from (_check(check) for check in report.checks)
    if report.reloads:
        yield from _reload(report.reloads[-1])


def _parts(report: StackReport) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("PART", "STATE", "SINCE", "PID", "CPU", "MEMORY", "PORT", "RESTARTS", "RELOADS", "NOTE"):
        table.add_column(column)
    now = datetime.now(UTC)
    for part in report.parts:
        table.add_row(
            part.name,
            Text(part.state, STATES.get(part.state, "")),
            age(part.since, now),
            str(part.pid or ""),
            "" if part.cpu_percent is None else f"{part.cpu_percent:.0f}%",
            "" if part.memory_bytes is None else f"{part.memory_bytes / 2**20:.0f} MB",
            str(part.port or ""),
            str(part.restarts),
            str(part.reloads),
            plain(part.detail),
        )
    return table


def _check(check: Check) -> Text:
    mark, style = MARKS[check.verdict]
    return Text.assemble((f"{mark} ", style), plain(check.text))


def _reload(reloaded: Reloaded) -> Iterator[Text]:
    files = ", ".join(reloaded.files)
    yield plain(f"last edit: {files} at {clock_time(reloaded.at)}, loaded in {reloaded.seconds:.1f} s")
    yield from (plain(f"  {line}") for line in reloaded.came)
    if reloaded.problems:
        yield Text.assemble(("  with problems; they are among the checks above", "red"))
