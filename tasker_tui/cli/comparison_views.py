"""Grids and diffs as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine.model.states import StepState
from engine.model.wire.comparison import (
    DiffStep,
    DiffTask,
    Grid,
    GridCell,
    StepDiff,
    TaskDiff,
    ValueDiff,
    ValueDiffs,
)
from tasker_tui.cli.report_views import took
from tasker_tui.cli.views import STYLES, step_state, task_state
from tasker_tui.states import STEP_MARKS
from tasker_tui.text import age, json_line, plural, printable

FAILING = (StepState.ERROR, StepState.WAITING_FOR_RETRY)
SHOWN = 60
"""Characters of a value."""


def grid(found: Grid) -> RenderableType:
    """A line a run with a mark for each step, and the names of those that fail."""
    title = f"{found.namespace}/{found.template} {found.version}"
    if not found.runs:
        return Text(f"no run of {title} is like that; `tasker task create` starts one")
    names = [column.step for column in found.columns]
    now = datetime.now(UTC)
    table = _table("TASK", "STATE", "AGE", "TOOK", "STEPS", "FAILING")
    for run in found.runs:
        marks = Text()
        for cell in run.cells:
            marks.append_text(_mark(cell))
        failing = [
            f"{name} ({cell.attempts}×)"
            for name, cell in zip(names, run.cells, strict=True)
            if cell is not None and cell.state in FAILING
        ]
        table.add_row(
            str(run.task_uuid),
            task_state(run.state),
            age(run.created_at, now),
            took(run.duration_ms),
            marks,
            Text(printable(", ".join(failing))),
        )
    order = f"{title}, steps in this order: {', '.join(names)}"
    parts: list[RenderableType] = [Text(printable(order), style="dim"), table]
    if found.next_before:
        parts.append(Text("there are older runs, see --before and --limit", style="dim"))
    return Group(*parts)


def _mark(cell: GridCell | None) -> Text:
    if cell is None:
        return Text(" ")
    mark = STEP_MARKS[cell.state]
    return Text(mark.shape, style=STYLES[mark.tone])


def diff(found: TaskDiff) -> RenderableType:
    """The two tasks, then what differs in their contexts, their steps and the steps' results."""
    parts: list[RenderableType] = [_tasks(found)]
    if found.context.differences:
        parts += [Text("\nCONTEXT", style="bold"), _values(found.context)]
    else:
        parts.append(Text("\nthe contexts are alike", style="dim"))
    if found.steps:
        parts += [Text("\nSTEPS", style="bold"), _steps(found.steps)]
    for step in found.steps:
        if step.result is not None:
            parts += [Text(f"\nRESULT OF {printable(step.step)}", style="bold"), _values(step.result)]
    parts += [Text(note, style="dim") for note in _notes(found)]
    return Group(*parts)


def _notes(found: TaskDiff) -> Iterator[str]:
    if found.same_steps:
        yield f"{plural(found.same_steps, 'step')} alike; --all shows them"
    if found.more_steps:
        yield f"{plural(found.more_steps, 'step')} more are not shown"


def _tasks(found: TaskDiff) -> Table:
    table = _table("", "A", "B")
    table.add_row("task", str(found.a.task_uuid), str(found.b.task_uuid))
    table.add_row(
        "template", *(Text(f"{found.namespace}/{found.template} {one.version}") for one in _both(found))
    )
    table.add_row("state", *(task_state(one.state) for one in _both(found)))
    table.add_row(
        "created",
        *(Text(printable(f"{one.created_at:%Y-%m-%d %H:%M:%S} by {one.initiator}")) for one in _both(found)),
    )
    table.add_row("took", *(took(one.duration_ms) for one in _both(found)))
    table.add_row("steps", *(str(one.total_steps) for one in _both(found)))
    return table


def _both(found: TaskDiff) -> tuple[DiffTask, DiffTask]:
    return found.a, found.b


def _steps(steps: Sequence[StepDiff]) -> Table:
    table = _table("STEP", "A", "", "", "B", "", "", "DIFFERS")
    for step in steps:
        differs = ", ".join(step.differs)
        table.add_row(
            Text(printable(step.step)), *_side(step.a), *_side(step.b), Text(differs, style="yellow")
        )
        errors = [(side, one) for side, one in (("A", step.a), ("B", step.b)) if one and one.error_message]
        if "error" in step.differs:
            for side, one in errors:
                table.add_row(Text(f"  {side}: {printable(one.error_message or '')[:SHOWN]}", style="red"))
    return table


def _side(step: DiffStep | None) -> tuple[Text, str, str]:
    if step is None:
        return Text("not there", style="dim"), "", ""
    ran = "" if step.duration_ms is None else took(step.duration_ms)
    return step_state(step.state), f"{step.attempts}×", ran


def _values(found: ValueDiffs) -> RenderableType:
    if found.too_large:
        return Text("they differ, and are too large to be compared here")
    table = _table("WHERE", "A", "B")
    for one in found.differences:
        table.add_row(
            Text(printable(one.path or "(all of it)")), _value(one, "removed"), _value(one, "added")
        )
    if not found.more:
        return table
    return Group(table, Text(f"{plural(found.more, 'difference')} more", style="dim"))


def _value(one: ValueDiff, only: str) -> Text:
    """The side of a difference that `only` names when the other side has nothing."""
    if one.kind not in ("changed", only):
        return Text("–", style="dim")
    text = json_line(one.a if only == "removed" else one.b)
    return Text(text if len(text) <= SHOWN else text[: SHOWN - 1] + "…")


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False, header_style="bold")
