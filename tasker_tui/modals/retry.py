"""Retry: shows what will run again and what waits for it, and asks for a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Input, Static

from tasker_tui.actions import bindings
from tasker_tui.text import plural, printable, short_id
from tasker_tui.themes import Palette
from tasker_tui.view_models import StepRow, TaskRow
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.painting import palette_for

SHOWN_STEPS = 6


@dataclass(frozen=True, slots=True)
class RetryTarget:
    """The failed steps to be retried, frozen: whatever comes in later, the retry is of these."""

    task: TaskRow
    steps: tuple[StepRow, ...]
    waiting: int
    """How many steps wait for them, directly or not."""
    command: str


class RetryDialog(Dialog[str | None]):
    """Answers the reason, which may be empty, or None to leave everything as it is."""

    SCOPE = "retry"
    BINDINGS = bindings("retry")

    def __init__(self, target: RetryTarget) -> None:
        what = (
            printable(target.steps[0].name) if len(target.steps) == 1 else plural(len(target.steps), "step")
        )
        super().__init__(f"Retry {what}")
        self._target = target

    def compose_body(self) -> ComposeResult:
        """The steps with their errors, what waits, the reason."""
        yield Static(id="retry-facts", markup=False)
        yield Input(placeholder="reason, kept in the step's audit", id="retry-reason", compact=True)

    def on_mount(self) -> None:
        """Tell what the retry is about."""
        self.query_one("#retry-facts", Static).update(_facts(self._target, palette_for(self)))
        self.query_one(Input).focus()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Send or leave."""
        return {"retry.send": self._send, "retry.close": partial(self.dismiss, None)}

    def on_input_submitted(self) -> None:
        """Enter in the reason sends."""
        self._send()

    def _send(self) -> None:
        self.dismiss(self.query_one(Input).value.strip())


def _facts(target: RetryTarget, palette: Palette) -> Text:
    task = target.task
    text = Text.assemble(
        ("task      ", palette.muted), (f"{printable(task.name)}  ", palette.strong),
        (f"{short_id(task.uuid)}\n\n", palette.muted),
    )  # fmt: skip
    for step in target.steps[:SHOWN_STEPS]:
        text.append("✗ ", palette.tone("failed", bold=True))
        text.append(printable(step.name), palette.strong)
        text.append(f"  attempt {step.attempts} of {step.max_attempts}\n", palette.muted)
        if step.error:
            text.append(f"  {printable(step.error.message)[:160]}\n", palette.tone("failed"))
    if len(target.steps) > SHOWN_STEPS:
        text.append(f"  and {len(target.steps) - SHOWN_STEPS} more\n", palette.muted)
    then = f"then {plural(target.waiting, 'step')} can go on" if target.waiting else "nothing waits for it"
    text.append(f"\nattempts  start again at 0; {then}\n", palette.muted)
    text.append(f"same as   {target.command}\n", palette.muted)
    return text
