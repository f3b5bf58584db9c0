"""What a step spent its time with, from the rows of the transition log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.model.wire.reports import RunOutcome, SegmentKind, TimelineSegment

KINDS: dict[str, SegmentKind] = {
    "pending": "waiting",
    "enqueued": "queued",
    "in_progress": "running",
    "enqueued_for_orchestration": "engine",
    "enqueued_as_error_for_orchestration": "engine",
    "waiting_for_retry": "retry_wait",
    "error": "failed",
}
"""What a step in a state spends its time with; in the other states it has ended."""

_OUTCOMES: dict[str, RunOutcome] = {
    "enqueued_for_orchestration": "succeeded",
    "enqueued_as_error_for_orchestration": "failed",
    "waiting_for_retry": "lost",
    "error": "lost",
    "cancelled": "cancelled",
    "complete": "ended_by_hand",
    "resolved_manually": "ended_by_hand",
}
"""How an attempt ended, by the state that the step went to from `in_progress`."""


@dataclass(frozen=True, slots=True)
class PathRow:
    """A row of the log: the states that one transaction took a step through; it stayed in the last."""

    at: datetime
    path: Sequence[str]
    attempt: int | None
    worker_uuid: UUID | None


def segments_of(rows: Sequence[PathRow], stopped_at: datetime | None = None) -> list[TimelineSegment]:
    """The segments of one step, from its rows in their order. They neither overlap nor leave a gap.

    A last one that goes on has no end, unless its task ended at `stopped_at`. What took no time is left out,
    but for attempts.
    """
    found = []
    start = rows[0].at if rows else None
    for index, row in enumerate(rows):
        kind = KINDS.get(row.path[-1])
        after = rows[index + 1] if index + 1 < len(rows) else None
        assert start is not None
        # Two transactions may have read the clock in another order than they wrote.
        end = stopped_at if after is None else max(start, after.at)
        if kind is not None and (kind == "running" or end is None or end > start):
            found.append(_segment(kind, start, end, row, after))
        start = end if end is not None else start
    return found


def _segment(
    kind: SegmentKind, start: datetime, end: datetime | None, row: PathRow, after: PathRow | None
) -> TimelineSegment:
    running = kind == "running"
    outcome = _OUTCOMES.get(after.path[1]) if running and after is not None else None
    return TimelineSegment(
        kind=kind,
        start=start,
        end=end,
        attempt=row.attempt if running else None,
        worker_uuid=row.worker_uuid if running else None,
        outcome=outcome,
    )


def continued(segments: Sequence[TimelineSegment], row: PathRow) -> list[TimelineSegment]:
    """The segments of a step after one more row of its log; a row that they know already changes nothing."""
    if not segments:
        return segments_of([row])
    *before, last = segments
    if row.at <= (last.end or last.start):
        return list(segments)
    if last.end is not None:
        return [*segments, *segments_of([row])]
    outcome = _OUTCOMES.get(row.path[1]) if last.kind == "running" and len(row.path) > 1 else None
    closed = last.model_copy(update={"end": row.at, "outcome": outcome})
    return [*before, closed, *segments_of([row])]


def last_attempts(segments: list[TimelineSegment], count: int, begun: int) -> list[TimelineSegment]:
    """The segments from the `count`-th last attempt on; all of them if no more attempts were `begun`.

    `segments` may lack what was before those attempts.
    """
    runs = [index for index, segment in enumerate(segments) if segment.kind == "running"]
    return segments if begun <= count or not runs else segments[runs[-count:][0] :]
