"""The columns of the event tail."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.states import StepState, TaskState
from tasker_tui.event_tail import EventTail, Gap, Happening
from tasker_tui.states import STEP_MARKS, TASK_MARKS, Mark
from tasker_tui.text import clock_time, printable, short_id
from tasker_tui.themes import Palette
from tasker_tui.widgets.virtual_table import Column, Runs

WIDE, NARROW = 110, 70


class EventColumns:
    """Makes the columns; templates are those that the tail knows."""

    def __init__(self, tail: EventTail, ascii_only: bool) -> None:
        self._tail, self._ascii = tail, ascii_only

    def __call__(self, width: int) -> Sequence[Column[Happening]]:
        """When, which task, which step, what became of it."""
        time, change = Column("TIME", 8, _time), Column("CHANGE", 0, self._change)
        if width < NARROW:
            return [time, Column("STEP", 20, _step), change]
        task = Column("TASK", 8, _task)
        if width < WIDE:
            return [time, task, Column("STEP", 22, _step), change]
        return [
            Column("TIME", 12, _fine_time),
            task,
            Column("TEMPLATE", 28, self._template),
            Column("STEP", 24, _step),
            change,
        ]

    def _template(self, row: Happening, width: int, palette: Palette) -> Runs:
        return [("" if isinstance(row, Gap) else printable(self._tail.template_of(row)), palette.muted)]

    def _change(self, row: Happening, width: int, palette: Palette) -> Runs:
        if isinstance(row, Gap):
            return [(f"▲ events are missing here: {printable(row.reason)}", palette.tone("waiting"))]
        mark = mark_of(row.step_uuid is not None, row.to_state)
        said = [f"attempt {row.attempt}"] if row.attempt and row.attempt > 1 else []
        said += [f"by {printable(row.actor)}"] if row.actor else []
        said += [printable(row.reason)] if row.reason else []
        if mark is None:
            return [(printable(row.to_state), palette.text)]
        shown = f"{mark.glyph(self._ascii)} {mark.word}"
        if not said:
            return [(shown, palette.tone(mark.tone))]
        rest = f"  {'  '.join(said)}"[: max(0, width - len(shown))]
        return [(shown, palette.tone(mark.tone)), (rest.ljust(width - len(shown)), palette.muted)]


def mark_of(is_step: bool, state: str) -> Mark | None:
    """The looks of a state, None of one that this version does not know."""
    try:
        return STEP_MARKS[StepState(state)] if is_step else TASK_MARKS[TaskState(state)]
    except ValueError:
        return None


def _time(row: Happening, width: int, palette: Palette) -> Runs:
    return [(clock_time(row.at), palette.muted)]


def _fine_time(row: Happening, width: int, palette: Palette) -> Runs:
    return [(f"{clock_time(row.at)}.{row.at.microsecond // 1000:03}", palette.muted)]


def _task(row: Happening, width: int, palette: Palette) -> Runs:
    return [("" if isinstance(row, Gap) else short_id(str(row.task_uuid)), palette.text)]


def _step(row: Happening, width: int, palette: Palette) -> Runs:
    if isinstance(row, Gap):
        return [("", palette.muted)]
    if row.step_uuid is None:
        return [("the task", palette.faint)]
    return [(printable(row.step_name or short_id(str(row.step_uuid))), palette.text)]
