"""Runs of a template and their steps as a grid: where its cursor is, and which of the steps are in view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from engine.model.states import StepState
from engine.model.wire.comparison import GridCell, GridColumn, GridRun

NAMED = 10
"""From this width on a cell has room for a duration, and its column for a name that can be read."""
LONGEST_NAME = 24


@dataclass(frozen=True)
class Run:
    """A run with the columns that its cells belong to."""

    run: GridRun
    columns: Sequence[GridColumn]

    @property
    def uuid(self) -> str:
        """Its task."""
        return str(self.run.task_uuid)

    def cell(self, at: int) -> GridCell | None:
        """Its step in a column, None where it does not have it."""
        return self.run.cells[at] if 0 <= at < len(self.run.cells) else None

    @cached_property
    def failed(self) -> list[int]:
        """The columns of its failed steps."""
        return [at for at, cell in enumerate(self.run.cells) if cell and cell.state is StepState.ERROR]


@dataclass(frozen=True, slots=True)
class View:
    """The columns from `first` up to `end` are in view, each of `pitch` cells."""

    first: int
    end: int
    pitch: int
    total: int

    @property
    def named(self) -> bool:
        """Whether the columns are wide enough for their names."""
        return self.pitch >= NAMED

    @property
    def scrolls(self) -> bool:
        """Whether some are out of sight: then a sign stands at either end."""
        return self.end - self.first < self.total


def view_of(columns: Sequence[GridColumn], at: int, width: int) -> View:
    """The columns around the one at `at` that fit into `width` cells.

    The view moves by half of what it shows, so that the cursor has neighbours on either side of it.
    """
    total = len(columns)
    share = width // max(1, total)
    if share >= NAMED:
        longest = max((len(column.step) for column in columns), default=0)
        return View(0, total, min(share, max(NAMED, min(longest, LONGEST_NAME) + 2)), total)
    if share >= 1:
        return View(0, total, min(share, 2), total)
    shown = max(1, width - 2)
    half = max(1, shown // 2)
    first = max(0, min(at // half * half - half // 2, total - shown))
    return View(first, first + shown, 1, total)


class GridCursor:
    """The column of the cursor. Until it is moved, it is on the first failed step of every run."""

    def __init__(self) -> None:
        self._at: int | None = None

    def column(self, run: Run | None) -> int:
        """Where it is, on this run."""
        if run is None or not run.columns:
            return 0
        at = next(iter(run.failed), 0) if self._at is None else self._at
        return min(at, len(run.columns) - 1)

    def move(self, run: Run, by: int) -> None:
        """To the right, or to the left."""
        self._at = max(0, min(self.column(run) + by, len(run.columns) - 1))

    def next_failed(self, run: Run) -> None:
        """To the next failed step of the run; after the last one to the first."""
        failed = run.failed
        self._at = next((at for at in failed if at > self.column(run)), failed[0])
