"""Retry: shows what will run again and what comes after it, and asks for a reason; many want their number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label, Static

from tasker_tui.actions import bindings
from tasker_tui.actions.command_lines import with_options
from tasker_tui.text import clock_time, plural, printable, short_id
from tasker_tui.themes import Palette
from tasker_tui.view_models import StepRow, TaskRow
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.painting import palette_for

SHOWN_STEPS, SHOWN_NAMES = 6, 4
MANY_STEPS = 20


@dataclass(frozen=True, slots=True)
class RetryTarget:
    """The failed steps to be retried, frozen: whatever comes in later, the retry is of these."""

    task: TaskRow
    steps: tuple[StepRow, ...]
    waiting: tuple[str, ...]
    """The names of the steps that wait for them, directly or not."""
    command: str
    at: datetime
    """When it was frozen."""

    @property
    def wide(self) -> bool:
        """Whether it is so much that a key is not enough."""
        return len(self.steps) > MANY_STEPS


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
        """The steps with their errors, what comes after them, the reason, and the number of many."""
        yield Static(id="retry-facts", markup=False)
        with Horizontal(classes="labelled"):
            yield Label("reason    ")
            yield Input(placeholder="kept in the step's audit", id="retry-reason", compact=True)
        if self._target.wide:
            with Horizontal(classes="labelled"):
                yield Label("confirm   ")
                yield Input(id="retry-confirm", placeholder=f"type {len(self._target.steps)}", compact=True)

    def on_mount(self) -> None:
        """Tell what the retry is about."""
        self._show()
        self._reason.focus()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Send or leave."""
        return {"retry.send": self._send, "retry.close": partial(self.dismiss, None)}

    def on_input_changed(self) -> None:
        """The reason is part of the command."""
        self._show()

    def on_input_submitted(self) -> None:
        """Enter in a field sends."""
        self._send()

    @property
    def _reason(self) -> Input:
        return self.query_one("#retry-reason", Input)

    def _show(self) -> None:
        command = with_options(self._target.command, reason=self._reason.value.strip())
        self.query_one("#retry-facts", Static).update(
            _facts(self._target, self.here(command), palette_for(self))
        )

    def _send(self) -> None:
        wanted = str(len(self._target.steps))
        if self._target.wide and self.query_one("#retry-confirm", Input).value.strip() != wanted:
            self.tell(f"type {wanted} to confirm")
            self.query_one("#retry-confirm", Input).focus()
        else:
            self.dismiss(self._reason.value.strip())


def _facts(target: RetryTarget, command: str, palette: Palette) -> Text:
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
    text.append(f"\nruns      {plural(len(target.steps), 'step')} at once, with new attempts\n", palette.text)
    text.append(f"then      {_named(target.waiting)}\n", palette.text)
    text.append(
        f"scope     failed steps alone; R in the task has more   frozen {clock_time(target.at)}\n",
        palette.muted,
    )
    text.append(f"same as   {command}\n", palette.muted)
    return text


def _named(names: tuple[str, ...]) -> str:
    if not names:
        return "nothing: no step waits for it"
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    shown = ", ".join(printable(name) for name in names[:SHOWN_NAMES])
    return f"{plural(len(names), 'step')}: {shown}{more}"
