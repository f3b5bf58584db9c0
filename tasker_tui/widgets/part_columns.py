"""The processes of the local stack as a table, and what was checked as a text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from tasker_tui.dev.report import Part, Reloaded, StackReport
from tasker_tui.states import Tone
from tasker_tui.text import clock_time, plural, printable
from tasker_tui.themes import Palette
from tasker_tui.widgets.virtual_table import Column, Runs

WIDE = 72
STATES: dict[str, tuple[str, Tone]] = {
    "running": ("✓", "ok"),
    "waiting": ("◌", "waiting"),
    "starting": ("◌", "waiting"),
    "stopping": ("◌", "waiting"),
    "restarting": ("✗", "failed"),
    "stopped": ("■", "stopped"),
}
CHECKS: dict[str, tuple[str, Tone]] = {
    "ok": ("✓", "ok"),
    "warning": ("▲", "waiting"),
    "problem": ("✗", "failed"),
}


def part_columns(width: int) -> Sequence[Column[Part]]:
    """The columns for a table of this width in cells."""
    begin = [Column("NAME", 0, _name), Column("STATE", 12, _state)]
    use = [Column("CPU", 5, _cpu, "right"), Column("MEM", 7, _memory, "right")]
    port = Column("PORT", 5, _port, "right")
    if width < WIDE:
        return [*begin, *use, port, Column("RESTARTS", 8, _starts, "right")]
    pid = Column("PID", 8, _pid, "right")
    counts = [Column("RESTARTS", 8, _restarts, "right"), Column("RELOADS", 7, _reloads, "right")]
    return [*begin, pid, *use, port, *counts]


def checks_text(report: StackReport, palette: Palette, now: datetime) -> Text:
    """What is all right and what is not, and what came of the last edit."""
    text = Text()
    for note in (report.doing, report.trouble):
        if note:
            text.append(f"{printable(note)}\n", palette.tone("waiting", bold=True))
    for check in report.checks:
        mark, tone = CHECKS[check.verdict]
        text.append(f"{mark} ", palette.tone(tone, bold=check.verdict == "problem"))
        text.append(
            f"{printable(check.text)}\n", palette.text if check.verdict == "ok" else palette.tone(tone)
        )
    if report.reloads:
        text.append("\n")
        text.append_text(reload_text(report.reloads[-1], palette))
    return text


def reload_text(reloaded: Reloaded, palette: Palette) -> Text:
    """An edit, and what came of it."""
    files = printable(", ".join(reloaded.files))
    text = Text.assemble(
        ("LAST EDIT  ", palette.muted),
        (files, palette.strong),
        (f"  {clock_time(reloaded.at)}, loaded in {reloaded.seconds:.1f} s\n", palette.muted),
    )
    for line in reloaded.came:
        text.append(f"  {printable(line)}\n", palette.text)
    for line in reloaded.problems:
        text.append(f"✗ {printable(line)}\n", palette.tone("failed"))
    return text


def problems_in(report: StackReport) -> str:
    """`2 problems`, or nothing."""
    return plural(len(report.problems), "problem") if report.problems else ""


def _name(row: Part, width: int, palette: Palette) -> Runs:
    return [(printable(row.name), palette.strong)]


def _state(row: Part, width: int, palette: Palette) -> Runs:
    glyph, tone = STATES.get(row.state, ("?", "idle"))
    return [(f"{glyph} {printable(row.state)}", palette.tone(tone))]


def _pid(row: Part, width: int, palette: Palette) -> Runs:
    return [("" if row.pid is None else str(row.pid), palette.muted)]


def _cpu(row: Part, width: int, palette: Palette) -> Runs:
    return [("-" if row.cpu_percent is None else f"{row.cpu_percent:.0f}%", palette.text)]


def _memory(row: Part, width: int, palette: Palette) -> Runs:
    return [("-" if row.memory_bytes is None else f"{row.memory_bytes / 2**20:.0f}M", palette.text)]


def _port(row: Part, width: int, palette: Palette) -> Runs:
    return [("-" if row.port is None else str(row.port), palette.muted)]


def _starts(row: Part, width: int, palette: Palette) -> Runs:
    reloads = f" +{row.reloads}" if row.reloads else ""
    return [(f"{row.restarts}{reloads}", palette.muted)]


def _restarts(row: Part, width: int, palette: Palette) -> Runs:
    return [(str(row.restarts), palette.tone("waiting") if row.restarts else palette.muted)]


def _reloads(row: Part, width: int, palette: Palette) -> Runs:
    return [(str(row.reloads), palette.muted)]
