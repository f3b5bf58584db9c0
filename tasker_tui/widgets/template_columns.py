"""The columns of the list of templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.model.wire.pauses import Pause
from engine.model.wire.statistics import DurationFigures, TemplateFigures
from engine.model.wire.tasks import TemplateSummary
from tasker_tui.clock import Clock
from tasker_tui.text import age, count, duration, printable
from tasker_tui.themes import Palette
from tasker_tui.widgets.virtual_table import Column, Runs

MEDIUM, WIDE = 70, 100


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A template's version with its figures, None until it is known of the server."""

    summary: TemplateSummary
    figures: TemplateFigures | None
    pauses: tuple[Pause, ...] = ()
    """Its own, and that of its namespace."""

    @property
    def path(self) -> tuple[str, str, str]:
        """Namespace, name and version."""
        return self.summary.namespace, self.summary.name, self.summary.version

    @property
    def full_name(self) -> str:
        """`NAMESPACE/NAME/VERSION`."""
        return "/".join(self.path)

    @property
    def took(self) -> DurationFigures | None:
        """How long its tasks took; None where none came to an end."""
        return self.figures.task_durations if self.figures else None

    @property
    def last(self) -> datetime | None:
        """When the last of its tasks was created."""
        return self.figures.last_created_at if self.figures else None

    @property
    def failure_rate(self) -> float | None:
        """The share of the tasks that came to an end and failed; None if none did."""
        if self.figures is None:
            return None
        ended = self.figures.tasks_completed + self.figures.tasks_failed
        return self.figures.tasks_failed / ended if ended else None


class TemplateColumns:
    """Makes the columns; ages are as of `clock`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, width: int) -> Sequence[Column[TemplateRow]]:
        """The columns for a list of this width in cells."""
        name = Column("TEMPLATE", 0, _name, rank=lambda row: row.summary.name)
        tasks = Column("TASKS", 8, _tasks, "right", rank=_created)
        failed = Column("FAILED", 7, _failed, "right", rank=lambda row: row.failure_rate)
        if width < MEDIUM:
            return [name, tasks, failed]
        took = [
            Column("P50", 7, _p50, "right", rank=lambda row: row.took.p50_ms if row.took else None),
            Column("P95", 7, _p95, "right", rank=lambda row: row.took.p95_ms if row.took else None),
        ]
        last = Column("LAST", 5, self._last, "right", rank=_last_age)
        if width < WIDE:
            return [name, tasks, failed, *took, last]
        space = Column("NAMESPACE", 18, _namespace, rank=lambda row: row.summary.namespace)
        version = Column("VERSION", 9, _version, rank=lambda row: row.summary.version)
        steps = Column("STEPS", 5, _steps, "right", rank=lambda row: row.summary.step_count)
        return [space, name, version, steps, tasks, failed, *took, last]

    def _last(self, row: TemplateRow, width: int, palette: Palette) -> Runs:
        last = row.last
        return [(age(last, self._clock.now()) if last else "never", palette.muted)]


def _namespace(row: TemplateRow, width: int, palette: Palette) -> Runs:
    return [(printable(row.summary.namespace), palette.muted)]


def _name(row: TemplateRow, width: int, palette: Palette) -> Runs:
    if row.pauses:
        return [(f"{printable(row.summary.name)} ‖ paused", palette.tone("waiting"))]
    return [(printable(row.summary.name), palette.text)]


def _version(row: TemplateRow, width: int, palette: Palette) -> Runs:
    return [(printable(row.summary.version), palette.muted)]


def _steps(row: TemplateRow, width: int, palette: Palette) -> Runs:
    return [(count(row.summary.step_count), palette.muted)]


def _created(row: TemplateRow) -> int:
    return row.figures.tasks_created if row.figures else 0


def _last_age(row: TemplateRow) -> float | None:
    return -row.last.timestamp() if row.last else None


def _tasks(row: TemplateRow, width: int, palette: Palette) -> Runs:
    created = _created(row)
    return [(count(created), palette.strong if created else palette.muted)]


def _failed(row: TemplateRow, width: int, palette: Palette) -> Runs:
    rate = row.failure_rate
    if rate is None:
        return [("", palette.muted)]
    return [(f"{100 * rate:.1f} %", palette.tone("failed", bold=True) if rate else palette.muted)]


def _p50(row: TemplateRow, width: int, palette: Palette) -> Runs:
    took = row.took
    return [(duration(took.p50_ms / 1000) if took else "", palette.text)]


def _p95(row: TemplateRow, width: int, palette: Palette) -> Runs:
    took = row.took
    return [(duration(took.p95_ms / 1000) if took else "", palette.text)]
