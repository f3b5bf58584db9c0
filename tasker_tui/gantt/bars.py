"""Bars of a Gantt chart as cells, pure: time in seconds since the task was made, cells counted from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Literal

from engine.model.wire.reports import RunOutcome, SegmentKind

Shade = Literal[
    "blank",
    "waiting",
    "engine",
    "queued",
    "failed",
    "retry_wait",
    "running",
    "run_on",
    "run_failed",
    "run_lost",
    "run_cancelled",
    "run_ended_by_hand",
]
"""What a cell shows. The last five are the last cell of an attempt that goes on or did not succeed."""

LOUDNESS: tuple[SegmentKind, ...] = ("waiting", "engine", "failed", "queued", "retry_wait", "running")
"""Where several fall into one cell, the last of these is shown."""
ENDS: dict[RunOutcome, Shade] = {
    "lost": "run_lost",
    "cancelled": "run_cancelled",
    "ended_by_hand": "run_ended_by_hand",
    "failed": "run_failed",
}
FINENESS = (1, 2, 5)
MINUTES = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
LADDER: tuple[float, ...] = (
    *(n * 10**power / 1000 for power in range(4) for n in FINENESS),
    *(10, 15, 30),
    *MINUTES,
    *(86400 * n * 10**power for power in range(4) for n in (2, 5, 10)),
)
"""Seconds that a cell can stand for: round ones, so that the chart of a running task seldom jumps."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time that a step spent in one way. What goes on ends now."""

    kind: SegmentKind
    begin: float
    end: float
    outcome: RunOutcome | None = None
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the time that is shown: `width` cells of `per_cell` seconds from cell `first` on."""

    first: int
    per_cell: float
    width: int

    def cell_of(self, seconds: float) -> int:
        """The cell that a moment falls into, from 0 at the left edge; may lie outside."""
        return floor(seconds / self.per_cell) - self.first

    @property
    def begin(self) -> float:
        """The moment at the left edge."""
        return self.first * self.per_cell


def rung_for(seconds: float, width: int) -> int:
    """The index in `LADDER` of the finest scale that shows so many seconds in `width` cells."""
    for rung, per_cell in enumerate(LADDER):
        if floor(seconds / per_cell) < width:
            return rung
    return len(LADDER) - 1


def cells_of(seconds: float, per_cell: float) -> int:
    """How many cells the time until then takes, the one that it ends in included."""
    return floor(seconds / per_cell) + 1


def shades(spans: Sequence[Span], window: Window) -> list[Shade]:
    """What each cell of the window shows of one step. Every attempt in it has a cell at least."""
    cells: list[Shade] = ["blank"] * window.width
    for kind in LOUDNESS:
        for span in spans:
            if span.kind == kind:
                first, last = _cells(span, window)
                for cell in range(max(0, first), min(window.width, last + 1)):
                    cells[cell] = kind
    for mark in ("run_on", *ENDS.values()):
        for span in spans:
            last = _cells(span, window)[1]
            if _end_mark(span) == mark and 0 <= last < window.width:
                cells[last] = mark
    return cells


def _cells(span: Span, window: Window) -> tuple[int, int]:
    first = window.cell_of(span.begin)
    return first, max(first, ceil(span.end / window.per_cell) - 1 - window.first)


def _end_mark(span: Span) -> Shade | None:
    if span.kind != "running":
        return None
    if span.goes_on:
        return "run_on"
    return ENDS.get(span.outcome) if span.outcome else None


def ruler(window: Window) -> str:
    """The times below which the cells stand, `width` cells wide."""
    line = ""
    step = TICK_CELLS * window.per_cell
    tick = -(-window.first // TICK_CELLS)
    while (at := tick * TICK_CELLS - window.first) < window.width:
        line = line.ljust(at) + "|" + tick_label(tick * step, step)
        tick += 1
    return line.ljust(window.width)[: window.width]


TICK_CELLS = 10


def tick_label(seconds: float, step: float) -> str:
    """A moment, as exact as ticks that far apart need it; at most eight cells."""
    if step < 0.1:
        return f"{round(seconds * 1000)}ms" if seconds < 10 else f"{seconds:.2f}s"
    if step < 1:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    days, hours, minutes, rest = (
        whole // 86400,
        whole // 3600 % 24,
        whole // 60 % 60,
        whole % 60,
    )
    if days:
        return f"{days}d{hours:02}h" if step < 86400 else f"{days}d"
    if hours:
        return f"{hours}h{minutes:02}m" + (f"{rest:02}" if step < 60 else "")
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
