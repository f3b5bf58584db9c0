"""The report on the dashboard as a table for people, beside its budgets."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from tasker_tui.bench.dashboard import DashboardReport, Keys
from tasker_tui.bench.tables import about, plain_table

Row = tuple[str, str, str, bool]


def render(report: DashboardReport) -> RenderableType:
    """What was measured, what was aimed at, and whether it was reached."""
    table = plain_table("WHAT", "MEASURED", "BUDGET", "")
    for what, measured, budget, reached in _rows(report):
        table.add_row(
            what, measured, budget, Text("✓" if reached else "missed", "green" if reached else "red")
        )
    return Group(about(report.version, report.machine, report.settings), Text(), table)


def _rows(report: DashboardReport) -> Iterator[Row]:
    drawn, shown = report.drawn, report.shown
    first = shown.first_rows_s
    yield "500 steps laid out", f"{drawn.layout_500:.0f} ms", "60 ms", drawn.layout_500 <= 60
    yield "500 steps in other colours", f"{drawn.recolour_500:.1f} ms", "16 ms", drawn.recolour_500 <= 16
    yield "5,000 steps folded and drawn", f"{drawn.open_5000:.0f} ms", "1 s", drawn.open_5000 <= 1000
    above = f"above {report.tasks:,} tasks"
    yield (
        f"command to first rows, {above}",
        f"{first.median:.2f} s ({min(first.runs):.2f}–{max(first.runs):.2f})",
        "0.8 s",
        first.median <= 0.8,
    )
    yield _keys("key to paint, in view", shown.key_in_view_ms, 15)
    yield _keys("key to paint, a page on", shown.key_scrolling_ms, 60)
    seen = shown.commit_to_screen_ms
    yield (
        "task sent to row on the screen",
        f"p50 {seen.p50:.0f}, p95 {seen.p95:.0f}, highest {seen.highest:.0f} ms",
        "p95 250 ms",
        seen.p95 <= 250,
    )
    yield "memory", f"{shown.memory_mib:.0f} MiB", "100 MB", shown.memory_mib <= 95
    yield "idle, share of a core", f"{shown.idle_cpu:.2%}", "1 %", shown.idle_cpu < 0.01


def _keys(what: str, found: Keys, limit: int) -> Row:
    p95 = found.p95
    measured = (
        f"p50 {found.p50.median:.0f}, p95 {p95.median:.1f} ({min(p95.runs):.0f}–{max(p95.runs):.0f}) ms"
    )
    return what, measured, f"p95 {limit} ms", p95.median <= limit
