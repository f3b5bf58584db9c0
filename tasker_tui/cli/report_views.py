"""Summaries and timelines of tasks as tables for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine.model.states import StepState
from engine.model.wire.details import StepWhy
from engine.model.wire.reports import (
    HandAct,
    SegmentKind,
    StepError,
    TaskSummary,
    Timeline,
    TimelineSegment,
    TimelineStep,
)
from tasker_tui.cli.views import STYLES, step_state, task_state
from tasker_tui.states import STEP_MARKS
from tasker_tui.text import duration, plural, printable

BAR_CELLS = 60
"""Of a timeline that goes into a file or pipe, or to a narrow terminal at most."""

GLYPHS: dict[SegmentKind, tuple[str, str]] = {
    "waiting": (" ", ""),
    "queued": ("░", "cyan"),
    "running": ("█", "blue"),
    "engine": ("▓", "cyan"),
    "retry_wait": ("┄", "yellow"),
    "failed": ("✗", "red"),
}


def took(milliseconds: float) -> str:
    """`12ms`, `3.4s`, `2m05s`."""
    return f"{milliseconds:.0f}ms" if milliseconds < 1000 else duration(milliseconds / 1000)


def reasons(found: Sequence[StepWhy]) -> RenderableType:
    """One line a step that has not ended."""
    table = _table("STEP", "STATE", "WHY")
    for one in found:
        state = step_state(StepState(one.state))
        table.add_row(Text(printable(one.name)), state, Text(printable(one.sentence)))
    return table


def summary(found: TaskSummary) -> RenderableType:
    """The figures, then tables of what there is."""
    fields = Table.grid(padding=(0, 2))
    for name, value in _fields(found):
        fields.add_row(Text(name, style="dim"), value if isinstance(value, Text) else Text(printable(value)))
    parts: list[RenderableType] = [fields]
    if found.critical_path:
        parts += [Text("\nCRITICAL PATH", style="bold"), _critical_path(found)]
    if found.slowest_steps:
        parts += [Text("\nSLOWEST STEPS", style="bold"), _slowest(found)]
    if found.errors:
        parts += [Text("\nERRORS", style="bold"), _errors(found.errors)]
    if found.by_hand:
        parts += [Text("\nBY HAND", style="bold"), _acts(found.by_hand)]
    return Group(*parts)


def _fields(found: TaskSummary) -> Iterator[tuple[str, str | Text]]:
    yield "task", str(found.task_uuid)
    yield "template", f"{found.namespace}/{found.template} {found.version}"
    yield "state", task_state(found.state)
    counts = ", ".join(f"{count} {state}" for state, count in found.steps.items())
    yield "steps", f"{found.total_steps} ({found.completion_percentage:.0f}% done): {counts}"
    yield "took", took(found.total_ms) + ("" if found.completed_at else " so far")
    spent = (
        ("running", found.running_ms),
        ("queued", found.queued_ms),
        ("waiting for parents", found.waiting_ms),
        ("waiting for a retry", found.retry_wait_ms),
        ("waiting for an engine", found.engine_ms),
    )
    yield "all steps", ", ".join(f"{took(ms)} {name}" for name, ms in spent if ms)
    yield "attempts", f"{found.attempts}, {found.retries} of them again"
    for pause in found.pauses:
        since = f"{pause.paused_at:%Y-%m-%d %H:%M:%S}"
        yield "paused", f"the {pause.scope} by {pause.paused_by} since {since}: {pause.reason}"


def _critical_path(found: TaskSummary) -> Table:
    table = _table("STEP", "STATE", "TOOK", "OF THAT RAN", "SHARE")
    for step in found.critical_path:
        share = step.took_ms / found.total_ms if found.total_ms else 0
        table.add_row(
            Text(printable(step.step)),
            step_state(step.state),
            took(step.took_ms),
            took(min(step.running_ms, step.took_ms)),
            f"{share:.0%}",
        )
    return table


def _slowest(found: TaskSummary) -> Table:
    table = _table("STEP", "STATE", "ATTEMPTS", "RAN", "QUEUED", "RETRY WAIT")
    for step in found.slowest_steps:
        table.add_row(
            Text(printable(step.step)),
            step_state(step.state),
            str(step.attempts),
            took(step.running_ms),
            took(step.queued_ms),
            took(step.retry_wait_ms),
        )
    return table


def _errors(errors: Iterable[StepError]) -> Table:
    table = _table("STEP", "STATE", "AT", "ATTEMPT", "ERROR")
    for one in errors:
        what = f"{one.error_type}: {one.message}" if one.error_type else str(one.message or "")
        table.add_row(
            Text(printable(one.step)),
            step_state(one.state),
            f"{one.at:%Y-%m-%d %H:%M:%S}",
            str(one.attempt),
            Text(printable(what)),
        )
    return table


def _acts(acts: Iterable[HandAct]) -> Table:
    table = _table("AT", "BY", "WHAT", "STEPS", "REASON")
    for act in acts:
        more = f" +{act.changed_steps - len(act.steps)}" if act.changed_steps > len(act.steps) else ""
        table.add_row(
            f"{act.at:%Y-%m-%d %H:%M:%S}",
            Text(printable(act.actor)),
            f"{act.from_state} → {act.to_state}",
            Text(printable(", ".join(act.steps) + more)),
            Text(printable(act.reason or "")),
        )
    return table


def timeline(found: Timeline) -> RenderableType:
    """One bar a step over the time of those that are shown."""
    if not found.steps:
        return Text("the task has no steps")
    start = found.created_at
    end = max((_end(step, found) for step in found.steps), default=start)
    span = max(end - start, timedelta(milliseconds=1))
    table = _table("STEP", "", "RAN", f"0 … {took(span.total_seconds() * 1000)}", "WORKER")
    names = {worker.worker_uuid: worker.name for worker in found.workers}
    width = _bar_cells(found.steps)
    for step in found.steps:
        runs = [segment for segment in step.segments if segment.kind == "running"]
        ran = sum(((run.end or found.calculated_at) - run.start).total_seconds() for run in runs)
        worker = runs[-1].worker_uuid if runs else None
        mark = STEP_MARKS[step.state]
        again = f" ×{len(runs) + step.earlier_attempts}" if len(runs) + step.earlier_attempts > 1 else ""
        table.add_row(
            Text(printable(step.step)),
            Text(mark.shape, style=STYLES[mark.tone]),
            (took(ran * 1000) if runs else "") + again,
            _bar(step.segments, start, span, found.calculated_at, width),
            Text(printable(names.get(worker, "") if worker else "")),
        )
    legend = "  ".join(
        f"{glyph} {kind.replace('_', ' ')}" for kind, (glyph, _) in GLYPHS.items() if glyph != " "
    )
    more = (
        f"\n{plural(len(found.steps), 'step')} shown; there are more, see --limit" if found.next_after else ""
    )
    return Group(table, Text(legend + more, style="dim"))


def _end(step: TimelineStep, found: Timeline) -> datetime:
    if not step.segments:
        return found.created_at
    last = step.segments[-1]
    # What rests in error, or waits for what does, would squeeze all that ran into the first cells.
    return last.start if last.kind in ("failed", "waiting") else last.end or found.calculated_at


def _bar_cells(steps: Sequence[TimelineStep]) -> int:
    if not sys.stdout.isatty():
        return BAR_CELLS
    from tasker_tui.cli.console import console

    taken = max(len(step.step) for step in steps) + 32
    return max(10, min(2 * BAR_CELLS, console().width - taken))


def _bar(
    segments: Sequence[TimelineSegment], start: datetime, span: timedelta, now: datetime, width: int
) -> Text:
    cells: list[tuple[str, str]] = [(" ", "")] * width
    for segment in segments:
        first = min(width - 1, int((segment.start - start) / span * width))
        last = min(width - 1, int(((segment.end or now) - start) / span * width))
        for cell in range(first, last + 1):
            # What a worker did is never hidden by a wait that shares its cell.
            if cells[cell][0] != "█" or segment.kind in ("running", "failed"):
                cells[cell] = GLYPHS[segment.kind]
    bar = Text()
    for glyph, style in cells:
        bar.append(glyph, style)
    return bar


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False, header_style="bold")
