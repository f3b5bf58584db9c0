"""The chart's state: the timeline as it was loaded and has gone on since, and the part of it in view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.model.timeline import PathRow, continued
from engine.model.wire.events import TransitionChange
from engine.model.wire.reports import Timeline, TimelineSegment
from tasker_tui.gantt.bars import LADDER, Span, Window, cells_of, rung_for

STARTED = ("queued", "running")
LEAD = 4
"""A step that the view is moved to begins after this share (one in so many) of the width."""


class Chart:
    """The segments of every step, by its id. Moments become seconds since the task was made."""

    def __init__(self) -> None:
        self.created_at: datetime | None = None
        self.completed_at: datetime | None = None
        self._segments: dict[str, list[TimelineSegment]] = {}

    def load(self, parts: Sequence[Timeline]) -> None:
        """Take the server's answer over, which comes in parts of so many steps."""
        if parts:
            self.created_at, self.completed_at = parts[-1].created_at, parts[-1].completed_at
            self._segments = {str(step.step_uuid): step.segments for part in parts for step in part.steps}

    def apply(self, changes: Iterable[TransitionChange]) -> None:
        """Go on with what has happened since; what the server knows better comes with the next `load`."""
        for change in changes:
            if (uuid := str(change.step_uuid)) in self._segments:
                row = PathRow(change.at, change.path, change.attempt, change.worker_uuid)
                self._segments[uuid] = continued(self._segments[uuid], row)

    def length(self, now: datetime) -> float:
        """Seconds from the task's making to its end or until now."""
        if self.created_at is None:
            return 0.0
        return max(0.001, ((self.completed_at or now) - self.created_at).total_seconds())

    def spans(self, uuid: str, now: datetime) -> list[Span]:
        """What a step spent its time with."""
        if self.created_at is None:
            return []
        start, stop = self.created_at, self.completed_at or now
        return [
            Span(
                segment.kind,
                max(0.0, (segment.start - start).total_seconds()),
                max(0.0, ((segment.end or max(stop, segment.start)) - start).total_seconds()),
                segment.outcome,
                segment.end is None,
            )
            for segment in self._segments.get(uuid, ())
        ]

    def begin(self, uuid: str) -> datetime | None:
        """When a step was first queued or ran, None if it still waits."""
        return next((s.start for s in self._segments.get(uuid, ()) if s.kind in STARTED), None)

    def start_order(self, topological: Sequence[str]) -> list[str]:
        """The steps by their start; those that have not started stay behind, each after its parents."""
        begun = [(at, i) for i, uuid in enumerate(topological) if (at := self.begin(uuid)) is not None]
        rest = [uuid for uuid in topological if self.begin(uuid) is None]
        return [topological[i] for _, i in sorted(begun)] + rest


@dataclass(slots=True)
class View:
    """Which part is shown: `zoom` rungs finer than the whole. Without `first` it follows the end."""

    zoom: int = 0
    first: int | None = None

    def window(self, length: float, width: int) -> Window:
        """The window on a chart of so many seconds."""
        per_cell = LADDER[max(0, rung_for(length, width) - self.zoom)]
        last = max(0, cells_of(length, per_cell) - width)
        first = last if self.first is None else max(0, min(self.first, last))
        return Window(first, per_cell, width)

    def zoom_by(self, rungs: int, length: float, width: int, around: float | None) -> None:
        """Show more or less, with the moment `around` where it was, or else the middle."""
        before = self.window(length, width)
        moment = before.begin + before.per_cell * width / 2 if around is None else around
        at = before.cell_of(moment)
        at = at if 0 <= at < width else width // LEAD
        self.zoom = max(0, min(self.zoom + rungs, rung_for(length, width)))
        after = self.window(length, width)
        self._go(Window(0, after.per_cell, width).cell_of(moment) - at, length, width)

    def scroll(self, cells: int, length: float, width: int) -> None:
        """Show earlier or later."""
        self._go(self.window(length, width).first + cells, length, width)

    def show(self, begin: float, end: float, length: float, width: int) -> None:
        """Move so that something of the span is in view; stay if it is."""
        window = self.window(length, width)
        if window.cell_of(end) < 0 or window.cell_of(begin) >= width:
            at = Window(0, window.per_cell, width).cell_of(begin)
            self._go(at - width // LEAD, length, width)

    def _go(self, first: int, length: float, width: int) -> None:
        per_cell = self.window(length, width).per_cell
        last = max(0, cells_of(length, per_cell) - width)
        self.first = None if first >= last else max(0, first)
