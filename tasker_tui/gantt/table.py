"""The widget of the Gantt chart: a table whose last column is a window on the time."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style

from tasker_tui.actions import bindings
from tasker_tui.clock import Clock
from tasker_tui.gantt.bars import Shade, Window, ruler, shades
from tasker_tui.gantt.chart import Chart, View
from tasker_tui.text import duration, fit, printable
from tasker_tui.themes import Palette
from tasker_tui.view_models import StepRow
from tasker_tui.widgets.virtual_table import Column, RowSource, Runs, VirtualTable

ROOMY = 90
"""Wide enough for names of 24 cells and the attempts."""
SCROLL_SHARE = 4
GLYPHS: dict[Shade, tuple[str, str]] = {
    "blank": (" ", " "),
    "waiting": (" ", " "),
    "engine": ("▒", "~"),
    "queued": ("░", "."),
    "failed": ("·", ":"),
    "retry_wait": ("╌", "-"),
    "running": ("█", "="),
    "run_on": ("▸", ">"),
    "run_failed": ("✗", "x"),
    "run_lost": ("!", "!"),
    "run_cancelled": ("⊘", "X"),
    "run_ended_by_hand": ("⊙", "M"),
}
"""In Unicode and in ASCII. Waiting for parents is left empty: what counts then is the parents' own bar."""
LEGEND: tuple[tuple[Shade, str], ...] = (
    ("queued", "queued"),
    ("running", "runs"),
    ("run_failed", "failed"),
    ("retry_wait", "waits for its retry"),
)
NOW_LINE = ("│", "|")


class GanttTable(VirtualTable[StepRow]):
    """One row a step with its bar; keys zoom and scroll the time."""

    BINDINGS = bindings("gantt")

    def __init__(
        self, source: RowSource[StepRow], chart: Chart, clock: Clock, ascii_only: bool, loading: str
    ) -> None:
        super().__init__(source, self._columns_of, lambda: [loading])
        self.chart, self.time = chart, View()
        self._clock, self._ascii = clock, ascii_only
        self._bar_width = 1

    @property
    def window(self) -> Window:
        """What is in view."""
        return self.time.window(self._length, self._bar_width)

    def time_passed(self) -> None:
        """Bars and ruler are drawn anew."""
        self._columns = self._columns_of(self._inner_width)
        self.refresh()

    def show_bar(self, uuid: str) -> None:
        """Bring something of a step's bar into view."""
        spans = [span for span in self.chart.spans(uuid, self._clock.now()) if span.kind != "waiting"]
        if spans:
            self.time.show(spans[0].begin, spans[-1].end, self._length, self._bar_width)
            self.time_passed()

    def action_do(self, action: str) -> None:
        """Zoom and scroll, or move as in every list."""
        length, width = self._length, self._bar_width
        match action:
            case "gantt.zoom_in" | "gantt.zoom_out":
                self.time.zoom_by(1 if action == "gantt.zoom_in" else -1, length, width, self._cursor_time())
            case "gantt.earlier" | "gantt.later":
                cells = max(1, width // SCROLL_SHARE)
                self.time.scroll(-cells if action == "gantt.earlier" else cells, length, width)
            case _:
                super().action_do(action)
                return
        self.time_passed()

    @property
    def _length(self) -> float:
        return self.chart.length(self._clock.now())

    def _cursor_time(self) -> float | None:
        """Where the bar under the cursor begins, if it is in view."""
        spans = self.chart.spans(self.cursor_key or "", self._clock.now())
        begins = [span.begin for span in spans if span.kind != "waiting"]
        return begins[0] if begins and 0 <= self.window.cell_of(begins[0]) < self._bar_width else None

    def _columns_of(self, width: int) -> Sequence[Column[StepRow]]:
        roomy = width >= ROOMY
        columns = [
            Column("STEP", 26 if roomy else 18, self._step),
            *([Column("TRIES", 5, _tries, "right")] if roomy else []),
            Column("RAN", 6, self._ran, "right"),
        ]
        self._bar_width = max(8, width - sum(column.width + 1 for column in columns) - 3)
        return [*columns, Column(ruler(self.window), self._bar_width, self._bar)]

    def _step(self, row: StepRow, width: int, palette: Palette) -> Runs:
        glyph = row.mark.glyph(self._ascii) + " "
        return [
            (glyph, palette.tone(row.mark.tone, bold=True)),
            (fit(printable(row.name), width - 2), palette.text),
        ]

    def _ran(self, row: StepRow, width: int, palette: Palette) -> Runs:
        runs = [s for s in self.chart.spans(row.uuid, self._clock.now()) if s.kind == "running"]
        return [(duration(sum(s.end - s.begin for s in runs)) if runs else "", palette.muted)]

    def _bar(self, row: StepRow, width: int, palette: Palette) -> Runs:
        window, now = self.window, self._clock.now()
        cells = shades(self.chart.spans(row.uuid, now), window)
        now_cell = None if self.chart.completed_at else window.cell_of(self._length)
        runs: list[tuple[str, Style]] = []
        for cell, shade in enumerate(cells):
            glyph, style = GLYPHS[shade][self._ascii], _style(shade, palette)
            if cell == now_cell and glyph == " ":
                glyph, style = NOW_LINE[self._ascii], palette.accent
            if runs and runs[-1][1] is style:
                runs[-1] = (runs[-1][0] + glyph, style)
            else:
                runs.append((glyph, style))
        return runs


def _tries(row: StepRow, width: int, palette: Palette) -> Runs:
    return [(f"{row.attempts}/{row.max_attempts}" if row.attempts else "", palette.muted)]


def _style(shade: Shade, palette: Palette) -> Style:
    match shade:
        case "running":
            return palette.tones["ok"]
        case "run_on":
            return palette.tones["running"]
        case "run_failed" | "run_lost" | "failed":
            return palette.tones["failed"]
        case "retry_wait":
            return palette.tones["waiting"]
        case "queued" | "engine":
            return palette.tones["queued"]
        case "run_cancelled" | "run_ended_by_hand":
            return palette.tones["manual"]
    return palette.faint
