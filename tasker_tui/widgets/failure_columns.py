"""The columns of the failures, grouped by signature, and the text about one group."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from textwrap import wrap

from rich.style import Style
from rich.text import Text

from engine.model.wire.failures import TREND_BUCKETS, FailureGroup, FailureTriage, TriageState
from tasker_tui.clock import Clock
from tasker_tui.states import Tone
from tasker_tui.text import age, count, plural, printable, printable_lines, short_id
from tasker_tui.themes import Palette
from tasker_tui.widgets.spark import spark
from tasker_tui.widgets.virtual_table import Column, Runs

MOST_TELLING = ("SIGNATURE", "STEPS", "LAST", "OWNER", "STATE", "STEP", "LAST HOUR", "TASKS", "FIRST")
SHOWN_PLACES = 6
SHOWN_NOTES = 4
TONES: dict[TriageState, Tone] = {
    TriageState.NEW: "failed",
    TriageState.TRIAGED: "waiting",
    TriageState.FIXING: "running",
    TriageState.FIXED: "ok",
    TriageState.IGNORED: "stopped",
}


class FailureColumns:
    """Makes the columns; ages are as of `clock`."""

    def __init__(self, clock: Clock, ascii_only: bool) -> None:
        self._clock, self._ascii = clock, ascii_only

    def __call__(self, width: int) -> Sequence[Column[FailureGroup]]:
        """The columns for a list of this width in cells: of the others as many as leave half to the
        signature, those that tell most first."""
        columns = [
            Column("STEPS", 7, _steps, "right", rank=lambda row: row.failed_steps),
            Column("TASKS", 7, _tasks, "right", rank=lambda row: row.failed_tasks),
            Column("SIGNATURE", 0, _signature, rank=lambda row: row.signature),
            Column("STEP", 20, _step, rank=lambda row: min((place.step for place in row.places), default="")),
            Column("LAST HOUR", TREND_BUCKETS, self._trend, rank=lambda row: sum(row.trend)),
            Column("FIRST", 5, self._first, "right", rank=lambda row: -row.first_seen.timestamp()),
            Column("LAST", 5, self._last, "right", rank=lambda row: -row.last_seen.timestamp()),
            Column("STATE", 8, _state, rank=lambda row: list(TONES).index(row.triage.state)),
            Column("OWNER", 10, _owner, rank=lambda row: row.triage.owner),
        ]
        shown, room = {"SIGNATURE"}, width // 2
        for column in sorted(columns, key=lambda column: MOST_TELLING.index(column.title)):
            if column.width < room:
                shown.add(column.title)
                room -= column.width + 1
        return [column for column in columns if column.title in shown]

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


def _state(row: FailureGroup, width: int, palette: Palette) -> Runs:
    return [(str(row.triage.state), palette.tone(TONES[row.triage.state]))]


def _owner(row: FailureGroup, width: int, palette: Palette) -> Runs:
    return [(printable(row.triage.owner or "-"), palette.text if row.triage.owner else palette.faint)]


def group_text(
    group: FailureGroup, width: int, palette: Palette, now: datetime, assigns: str, opens: str
) -> Text:
    """What is known of a group: its signature, how much failed, whose it is, where, and the newest failure,
    both in full.

    `assigns` says which key makes it somebody's, `opens` which one opens the newest.
    """
    text = Text()
    _wrapped(text, printable(group.signature), width, palette.tone("failed", bold=True))
    text.append(
        f"{plural(group.failed_steps, 'failed step')} of {plural(group.failed_tasks, 'task')}\n",
        palette.strong,
    )
    _triage(text, group.triage, assigns, width, palette, now)
    text.append("\n")
    for place in group.places[:SHOWN_PLACES]:
        where = f"{printable(place.namespace)}/{printable(place.template)}"
        text.append(f"{count(place.failed_steps):>7}  ", palette.text)
        text.append(printable(place.step), palette.strong)
        text.append(f"  {where}\n", palette.muted)
    if len(group.places) > SHOWN_PLACES:
        text.append(f"         and {len(group.places) - SHOWN_PLACES} more places\n", palette.muted)
    sample = group.sample
    newest = f"{printable(sample.step)} of {short_id(str(sample.task_uuid))}"
    text.append(f"\nnewest: {newest}; {opens}\n", palette.muted)
    for line in printable_lines(sample.message or "it gave no message", 20):
        _wrapped(text, line, width, palette.tone("failed"))
    return text


def _wrapped(text: Text, line: str, width: int, style: Style) -> None:
    for piece in wrap(line, max(20, width)) or [""]:
        text.append(f"{piece}\n", style)


def _triage(
    text: Text, triage: FailureTriage, assigns: str, width: int, palette: Palette, now: datetime
) -> None:
    text.append(f"{triage.state}", palette.tone(TONES[triage.state]))
    text.append(f", {printable(triage.owner)}'s" if triage.owner else f", nobody's; {assigns}", palette.text)
    if triage.changed_at is not None:
        who = printable(triage.changed_by or "somebody")
        text.append(f"   changed by {who} {age(triage.changed_at, now)} ago", palette.muted)
    text.append("\n")
    for note in triage.notes[:SHOWN_NOTES]:
        who = f"{printable(note.noted_by)}, {age(note.noted_at, now)} ago: "
        for number, piece in enumerate(wrap(who + printable(note.note), max(20, width - 4)) or [""]):
            text.append(f"{'  › ' if number == 0 else '    '}{piece}\n", palette.text)
    if len(triage.notes) > SHOWN_NOTES:
        text.append(f"    and {len(triage.notes) - SHOWN_NOTES} older notes\n", palette.muted)
