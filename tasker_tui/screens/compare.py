"""Two runs of a template side by side: what differs, first in the context, then step by step."""

from __future__ import annotations

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from engine.client.comparison import diff
from engine.model.wire.comparison import DiffStep, DiffTask, StepDiff, TaskDiff, ValueDiff, ValueDiffs
from tasker_tui.actions import Focus, bindings
from tasker_tui.locator import Locator
from tasker_tui.screens.base import Handlers, OperatorScreen
from tasker_tui.services import Services
from tasker_tui.states import STEP_MARKS, TASK_MARKS
from tasker_tui.text import clock_time, duration, json_line, plural, printable, short_id
from tasker_tui.themes import Palette
from tasker_tui.trouble import CALL_FAILURES, explain
from tasker_tui.widgets.painting import palette_for

LONGEST_VALUE = 60


class CompareScreen(OperatorScreen):
    """Shows what of the second task differs from the first."""

    SCOPES = ("compare",)
    BINDINGS = bindings("compare")

    class Arrived(Message):
        """The comparison was made, or could not be."""

        def __init__(self, found: TaskDiff | None, problem: str) -> None:
            super().__init__()
            self.found, self.problem = found, problem

    def __init__(self, services: Services, first: str, second: str) -> None:
        super().__init__(services)
        self._first, self._second = first, second

    def compose_body(self) -> ComposeResult:
        """One text that scrolls."""
        with VerticalScroll(id="compare") as frame:
            frame.border_title = f"{short_id(self._first)} and {short_id(self._second)}"
            yield Static("Loading…", id="compare-text", markup=False)

    def on_mount(self) -> None:
        """Compare."""
        self.query_one("#compare").focus()
        self._load()

    def focus_state(self) -> Focus:
        """Nothing that an action would change."""
        return Focus(connected=self.services.link.live)

    def crumbs(self) -> tuple[str, ...]:
        """Below the runs."""
        return ("tasks", "runs", "compare")

    def locator(self) -> Locator:
        """The pair."""
        return Locator("compare", (self._first, self._second))

    def reload(self) -> None:
        """Compare again: the runs may have gone on."""
        self._load()

    def handlers(self) -> Handlers:
        """What the keys do."""
        return {"compare.back": self.app.pop_screen}

    def on_compare_screen_arrived(self, event: Arrived) -> None:
        """Show it."""
        text = comparison(event.found, palette_for(self)) if event.found else event.problem
        self.query_one("#compare-text", Static).update(text)

    @work(exclusive=True)
    async def _load(self) -> None:
        try:
            found = await self.services.client.send(diff(self._first, self._second, differing=True))
        except CALL_FAILURES as error:
            self.post_message(self.Arrived(None, explain(error)))
        else:
            self.post_message(self.Arrived(found, ""))


def comparison(found: TaskDiff, palette: Palette) -> Text:
    """What differs, in words: `-` is the first task, `+` the second."""
    text = Text(no_wrap=False)
    _task(text, "-", found.a, palette)
    _task(text, "+", found.b, palette)
    text.append("\nCONTEXT\n", palette.strong)
    _values(text, found.context, palette)
    text.append("\nSTEPS\n", palette.strong)
    for step in found.steps:
        _step(text, step, palette)
    if found.same_steps:
        text.append(f"\n{plural(found.same_steps, 'step')} alike\n", palette.muted)
    if found.more_steps:
        text.append(f"{plural(found.more_steps, 'step')} more\n", palette.muted)
    return text


def _task(text: Text, sign: str, task: DiffTask, palette: Palette) -> None:
    mark = TASK_MARKS[task.state]
    text.append(f"{sign} {task.task_uuid}  ", palette.text)
    text.append(f"{mark.glyph(False)} {mark.word}", palette.tone(mark.tone))
    took = f"{clock_time(task.created_at)}  took {duration(task.duration_ms / 1000)}"
    text.append(f"  {printable(task.version)}  {took}  by {printable(task.initiator)}\n", palette.muted)


def _step(text: Text, step: StepDiff, palette: Palette) -> None:
    text.append(f"\n{printable(step.step)}", palette.strong)
    text.append(f"  {', '.join(step.differs)}\n", palette.muted)
    for sign, side in (("-", step.a), ("+", step.b)):
        text.append(f"  {sign} ", palette.muted)
        _side(text, side, palette)
    if step.result:
        _values(text, step.result, palette)


def _side(text: Text, side: DiffStep | None, palette: Palette) -> None:
    if side is None:
        text.append("not part of this run\n", palette.faint)
        return
    mark = STEP_MARKS[side.state]
    text.append(f"{mark.glyph(False)} {mark.word}", palette.tone(mark.tone))
    took = f"  {duration(side.duration_ms / 1000)}" if side.duration_ms is not None else ""
    text.append(f"  {plural(side.attempts, 'attempt')}{took}", palette.muted)
    if side.error_message:
        text.append(f"  {printable(side.error_message)[:160]}", palette.tone("failed"))
    text.append("\n")


def _values(text: Text, values: ValueDiffs, palette: Palette) -> None:
    if values.too_large:
        text.append("    too large to compare\n", palette.muted)
    elif not values.differences:
        text.append("    alike\n", palette.muted)
    for one in values.differences:
        text.append(f"    {printable(one.path) or 'all of it'}: ", palette.text)
        text.append(f"{_change(one)}\n", palette.muted)
    if values.more:
        text.append(f"    and {plural(values.more, 'difference')} more\n", palette.muted)


def _change(one: ValueDiff) -> str:
    before, after = json_line(one.a)[:LONGEST_VALUE], json_line(one.b)[:LONGEST_VALUE]
    return {"added": f"+ {after}", "removed": f"- {before}", "changed": f"{before} → {after}"}[one.kind]
