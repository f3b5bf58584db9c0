"""The pane beside or below the task list: what the task under the cursor waits for, and its steps."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from engine.model.states import StepState
from engine.model.wire.details import StepWhy
from tasker_tui.clock import Clock
from tasker_tui.step_report import why
from tasker_tui.text import age, clock_time, duration, fit, printable, short_id
from tasker_tui.themes import Palette
from tasker_tui.view_models import StepRow, TaskRow
from tasker_tui.widgets.painting import palette_for, progress, show_titles

INTEREST = {
    StepState.ERROR: 0,
    StepState.WAITING_FOR_RETRY: 1,
    StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION: 1,
    StepState.IN_PROGRESS: 2,
    StepState.ENQUEUED: 3,
    StepState.ENQUEUED_FOR_ORCHESTRATION: 3,
    StepState.PENDING: 4,
}
NAME_WIDTH = 24
FACT_WIDTH = 11
WHY_LINES = 3
SHORT = 14
"""In fewer lines the reason, which comes late, stands above what is known at once: it would be hidden."""


class Preview(VerticalScroll):
    """Shows one task; its steps come when they are loaded."""

    class Shown(Message):
        """It has come into view, with what it showed when it left."""

    def __init__(self, clock: Clock, ascii_only: bool) -> None:
        super().__init__(id="preview", can_focus=False)
        self._clock, self._ascii = clock, ascii_only
        self._body = Static(markup=False)
        self._shown: TaskRow | None = None
        self._shown_steps: Sequence[StepRow] | None = None
        self._reason: StepWhy | None = None
        self._told = Text()

    def compose(self) -> ComposeResult:
        """One text."""
        yield self._body

    def on_show(self) -> None:
        """There may be another task to show."""
        self.post_message(self.Shown())

    def show(
        self, task: TaskRow | None, steps: Sequence[StepRow] | None, reason: StepWhy | None = None
    ) -> None:
        """Show a task, or nothing; `reason` is the one that says the most about it."""
        self._shown, self._shown_steps, self._reason = task, steps, reason
        show_titles(self, Content(short_id(task.uuid) if task else ""), Content(""))
        self.refresh_text()

    def refresh_text(self) -> None:
        """Ages and durations go on."""
        task, before = self._shown, self._told
        self._told = self._text(task, self._shown_steps) if task else Text()
        if self._told != before:
            # A text that begins or ends to be longer than the pane changes what can be scrolled: a layout
            # costs more than all the rest.
            self._body.update(self._told, layout=self._height(self._told) != self._height(before))

    def _height(self, text: Text) -> int:
        return max(text.plain.count("\n") + 1, self.scrollable_content_region.height)

    def _text(self, task: TaskRow, steps: Sequence[StepRow] | None) -> Text:
        palette, now = palette_for(self), self._clock.now()
        mark, width = task.mark, max(20, self.scrollable_content_region.width)
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(printable(task.name), palette.strong)
        text.append(f"\n{mark.glyph(self._ascii)} {mark.word}", palette.tone(mark.tone, bold=True))
        took = duration(task.seconds(now))
        text.append(f"  {task.completed}/{task.total} steps in {took}\n", palette.muted)
        for part, style in progress(task.completed, task.running, task.failed, task.total, width, palette):
            text.append(part, style)
        text.append("\n")
        short = self.scrollable_content_region.height < SHORT
        if short:
            self._why(text, width, palette)
        text.append("\n")
        for name, value in self._facts(task):
            text.append(f"{name:<{FACT_WIDTH}}", palette.muted)
            text.append(f"{value}\n", palette.text)
        if not short:
            self._why(text, width, palette)
        text.append("\n")
        if steps is not None:
            self._steps(text, steps, palette)
        return text

    def _facts(self, task: TaskRow) -> list[tuple[str, str]]:
        started = f"{clock_time(task.created_at)}, {age(task.created_at, self._clock.now())} ago"
        facts = [
            ("id", task.uuid),
            ("template", f"{printable(task.namespace)}/{printable(task.name)} {printable(task.version)}"),
            ("started", started),
            ("by", printable(task.initiator or "")),
            ("tags", ", ".join(map(printable, task.tags or ()))),
            ("priority", str(task.priority) if task.priority else ""),
        ]
        return [(name, value) for name, value in facts if value]

    def _why(self, text: Text, width: int, palette: Palette) -> None:
        reason = self._reason
        if reason is None:
            return
        told = printable(f"{reason.name}: {reason.sentence}")
        lines = wrap(told, max(20, width - FACT_WIDTH), max_lines=WHY_LINES, placeholder=" …")
        text.append(f"{'why':<{FACT_WIDTH}}", palette.muted)
        tone = palette.tone("failed" if reason.kind == "failed" else "waiting")
        text.append(f"\n{'':{FACT_WIDTH}}".join(lines) + "\n", tone)

    def _steps(self, text: Text, steps: Sequence[StepRow], palette: Palette) -> None:
        by_uuid = {step.uuid: step for step in steps}
        now = self._clock.now()
        names = min(NAME_WIDTH, max((cell_len(printable(step.name)) for step in steps), default=0))
        for step in sorted(steps, key=lambda step: INTEREST.get(step.state, 9)):
            mark = step.mark
            text.append(f"{mark.glyph(self._ascii)} ", palette.tone(mark.tone, bold=True))
            text.append(fit(printable(step.name), names), palette.text)
            error = step.error if step.state is StepState.ERROR else None
            reason = why(step, [by_uuid[p] for p in step.parents if p in by_uuid], now)
            detail = printable(error.message) if error else reason or mark.word
            text.append(f"  {detail}\n", palette.tone(mark.tone) if error or reason else palette.muted)
