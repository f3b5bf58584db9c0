"""End a step by hand: as resolved, or as complete with a result that its worker could not give."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Input, Static, TextArea

from tasker_tui.actions import bindings
from tasker_tui.text import plural, printable, short_id
from tasker_tui.themes import Palette
from tasker_tui.view_models import StepRow, TaskRow
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.painting import palette_for


@dataclass(frozen=True, slots=True)
class ByHandTarget:
    """The step to be ended, frozen. `complete` needs a result; else it is resolved, with one or without."""

    task: TaskRow
    step: StepRow
    complete: bool
    waiting: int
    """How many steps wait for it, directly or not."""
    command: str


@dataclass(frozen=True, slots=True)
class ByHandAnswer:
    """What the operator gave: the result as an object, None for none, and why."""

    result: dict[str, Any] | None
    reason: str


class ByHandDialog(Dialog[ByHandAnswer | None]):
    """Answers the result and the reason, None to leave everything as it is."""

    SCOPE = "by_hand"
    BINDINGS = bindings("by_hand")

    def __init__(self, target: ByHandTarget) -> None:
        verb = "Complete" if target.complete else "Resolve"
        super().__init__(f"{verb} {printable(target.step.name)} by hand")
        self._target = target

    def compose_body(self) -> ComposeResult:
        """The step, what waits, the result, the reason."""
        yield Static(id="by-hand-facts", markup=False)
        yield TextArea("{}" if self._target.complete else "", id="by-hand-result", show_line_numbers=False,
                       compact=True, tab_behavior="focus")  # fmt: skip
        yield Input(placeholder="reason, kept in the step's audit", id="by-hand-reason", compact=True)

    def on_mount(self) -> None:
        """Tell what it is about; the result comes first where one is needed."""
        self.query_one("#by-hand-facts", Static).update(
            _facts(self._target, self.here(self._target.command), palette_for(self))
        )
        self.query_one(TextArea if self._target.complete else Input).focus()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Send or leave."""
        return {"by_hand.send": self._send, "by_hand.close": partial(self.dismiss, None)}

    def on_input_submitted(self) -> None:
        """Enter in the reason sends."""
        self._send()

    def _send(self) -> None:
        text = self.query_one(TextArea).text.strip()
        try:
            result = json.loads(text) if text else None
        except json.JSONDecodeError as error:
            self.tell(f"the result is no JSON: {error.msg} in line {error.lineno}, column {error.colno}")
            return
        if not (isinstance(result, dict) or (result is None and not self._target.complete)):
            self.tell("the result must be a JSON object, {…}")
            return
        self.dismiss(ByHandAnswer(result, self.query_one(Input).value.strip()))


def _facts(target: ByHandTarget, command: str, palette: Palette) -> Text:
    task, step = target.task, target.step
    text = Text.assemble(
        ("task      ", palette.muted), (f"{printable(task.name)}  ", palette.strong),
        (f"{short_id(task.uuid)}\n", palette.muted),
        ("step      ", palette.muted), (f"{printable(step.name)}  ", palette.strong),
        (f"{step.mark.glyph(False)} {step.mark.word}\n", palette.tone(step.mark.tone)),
    )  # fmt: skip
    if step.error:
        text.append(f"          {printable(step.error.message)[:160]}\n", palette.tone("failed"))
    then = f"{plural(target.waiting, 'step')} can go on" if target.waiting else "nothing waits for it"
    text.append(f"then      {then}\n", palette.muted)
    text.append(f"same as   {command}\n\n", palette.muted)
    needed = "" if target.complete else ", or nothing"
    text.append(f"result    a JSON object that its children read{needed}:", palette.muted)
    return text
