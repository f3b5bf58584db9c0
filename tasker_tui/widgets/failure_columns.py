"""The columns of the failures, grouped by signature, and the text about one group."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from rich.text import Text

from engine.model.wire.failures import TREND_BUCKETS, FailureGroup
from tasker_tui.clock import Clock
from tasker_tui.text import age, count, plural, printable, printable_lines, short_id
from tasker_tui.themes import Palette
from tasker_tui.widgets.spark import spark
from tasker_tui.widgets.virtual_table import Column, Runs

WIDE = 90
SHOWN_PLACES = 6


class FailureColumns:
    """Makes the columns; ages are as of `clock`."""

    def __init__(self, clock: Clock, ascii_only: bool) -> None:
        self._clock, self._ascii = clock, ascii_only

    def __call__(self, width: int) -> Sequence[Column[FailureGroup]]:
        """The columns for a list of this width in cells."""
        steps = Column("STEPS", 7, _steps, "right")
        last = Column("LAST", 5, self._last, "right")
        if width < WIDE:
            return [steps, Column("SIGNATURE", 0, _signature), last]
        return [
            steps,
            Column("TASKS", 7, _tasks, "right"),
            Column("SIGNATURE", 0, _signature),
            Column("STEP", 24, _step),
            Column("LAST HOUR", TREND_BUCKETS, self._trend),
            Column("FIRST", 5, self._first, "right"),
            last,
        ]

    def _trend(self, row: FailureGroup, width: int, palette: Palette) -> Runs:
        return [(spark(row.trend, width, ascii_only=self._ascii), palette.tone("failed"))]

    def _first(self, row: FailureGroup, width: int, palette: Palette) -> Runs:
        return [(age(row.first_seen, self._clock.now()), palette.muted)]

    def _last(self, row: FailureGroup, width: int, palette: Palette) -> Runs:
        return [(age(row.last_seen, self._clock.now()), palette.muted)]


def _steps(row: FailureGroup, width: int, palette: Palette) -> Runs:
    return [(count(row.failed_steps), palette.tone("failed", bold=True))]


def _tasks(row: FailureGroup, width: int, palette: Palette) -> Runs:
    return [(count(row.failed_tasks), palette.text)]


def _signature(row: FailureGroup, width: int, palette: Palette) -> Runs:
    return [(printable(row.signature), palette.text)]


def _step(row: FailureGroup, width: int, palette: Palette) -> Runs:
    names = sorted({place.step for place in row.places})
    more = f" +{len(names) - 1}" if len(names) > 1 else ""
    return [(printable(names[0] if names else "") + more, palette.muted)]


def group_text(group: FailureGroup, width: int, palette: Palette) -> Text:
    """What is known of a group: how much failed, where, and the newest failure in full."""
    text = Text()
    text.append(
        f"{plural(group.failed_steps, 'failed step')} of {plural(group.failed_tasks, 'task')}", palette.strong
    )
    text.append(f"   {printable(group.error_type or 'no error type')}\n\n", palette.tone("failed"))
    for place in group.places[:SHOWN_PLACES]:
        where = f"{printable(place.namespace)}/{printable(place.template)}"
        text.append(f"{count(place.failed_steps):>7}  ", palette.text)
        text.append(printable(place.step), palette.strong)
        text.append(f"  {where}\n", palette.muted)
    if len(group.places) > SHOWN_PLACES:
        text.append(f"         and {len(group.places) - SHOWN_PLACES} more places\n", palette.muted)
    sample = group.sample
    text.append(f"\nnewest: {printable(sample.step)} of {short_id(str(sample.task_uuid))}\n", palette.muted)
    for line in printable_lines(sample.message or "it gave no message", 20):
        for piece in wrap(line, max(20, width)) or [""]:
            text.append(f"{piece}\n", palette.tone("failed"))
    return text
