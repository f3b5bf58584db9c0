"""The columns of the steps of a template."""

from __future__ import annotations

from collections.abc import Sequence

from tasker_tui.template_view import TemplateStep
from tasker_tui.text import duration, plural, printable
from tasker_tui.themes import Palette
from tasker_tui.widgets.virtual_table import Column, Runs

MEDIUM, WIDE = 70, 110


def template_step_columns(width: int) -> Sequence[Column[TemplateStep]]:
    """How long it takes, how often it fails, and who can run it; for a list of this width in cells."""
    name = Column("STEP", 0, _name)
    figures = [Column("P50", 7, _p50, "right"), Column("P95", 7, _p95, "right")]
    failed = Column("FAILED", 8, _failed, "right")
    if width < MEDIUM:
        return [name, *figures, failed]
    served = Column("SERVED BY", 14, _served)
    if width < WIDE:
        return [name, *figures, failed, served]
    retried, handler = Column("RETRIED", 8, _retried, "right"), Column("HANDLER", 34, _handler)
    return [name, Column("TYPE", 12, _kind), *figures, failed, retried, handler, served]


def _name(row: TemplateStep, width: int, palette: Palette) -> Runs:
    return [(printable(row.name), palette.text)]


def _kind(row: TemplateStep, width: int, palette: Palette) -> Runs:
    return [(printable(row.kind), palette.muted)]


def _p50(row: TemplateStep, width: int, palette: Palette) -> Runs:
    return [(duration(row.p50_ms / 1000) if row.p50_ms is not None else "", palette.text)]


def _p95(row: TemplateStep, width: int, palette: Palette) -> Runs:
    return [(duration(row.p95_ms / 1000) if row.p95_ms is not None else "", palette.text)]


def _failed(row: TemplateStep, width: int, palette: Palette) -> Runs:
    style = palette.tone("failed", bold=True) if row.failed else palette.muted
    return [(f"{row.failed}/{row.runs}" if row.runs else "", style)]


def _retried(row: TemplateStep, width: int, palette: Palette) -> Runs:
    style = palette.tone("waiting") if row.retried else palette.muted
    return [(f"{row.retried}/{row.runs}" if row.runs else "", style)]


def _handler(row: TemplateStep, width: int, palette: Palette) -> Runs:
    return [(printable(row.handler), palette.muted)]


def _served(row: TemplateStep, width: int, palette: Palette) -> Runs:
    match row.status:
        case "served":
            return [(plural(row.workers, "worker"), palette.muted)]
        case "missing":
            return [("✗ none has it", palette.tone("failed", bold=True))]
        case "no_worker":
            return [("✗ no worker", palette.tone("failed", bold=True))]
    return [("", palette.muted)]
