"""Run again: a step, all that comes after it, the whole task, or a new task from there; with other inputs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, get_args

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label, RadioSet, Static

from engine.client.calls import Call
from engine.client.reruns import fork, retry
from engine.model.wire.reruns import ForkAnswer, ForkStep, RerunStep, RetryAnswer
from tasker_tui.actions import bindings
from tasker_tui.actions.command_lines import with_options
from tasker_tui.services import Services
from tasker_tui.text import plural, printable, short_id
from tasker_tui.themes import Palette
from tasker_tui.trouble import CALL_FAILURES, explain
from tasker_tui.view_models import StepRow, TaskRow
from tasker_tui.widgets.choice import ChoiceButton
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.painting import palette_for

Way = Literal["step", "downstream", "task", "fork"]
WAYS: tuple[Way, ...] = get_args(Way)
WORDS = {
    "step": "the step alone",
    "downstream": "the step and all that comes after it",
    "task": "the whole task",
    "fork": "a new task from here, which takes over what is done",
}
Answer = RetryAnswer | ForkAnswer
SHOWN_NAMES = 5


class RerunDialog(Dialog[Answer | None]):
    """Answers what the server did. Every choice is tried first, so that what would run is shown.

    A failed step may be run alone; one that is done with all that comes after it.
    """

    SCOPE = "rerun"
    BINDINGS = bindings("rerun")

    class Tried(Message):
        """What would run, or why it cannot be; `sent` answers to what was more than a question."""

        def __init__(self, way: Way, answer: Answer | None, problem: str, *, sent: bool = False) -> None:
            super().__init__()
            self.way, self.answer, self.problem, self.sent = way, answer, problem, sent

    class Done(Message):
        """The server has done it."""

        def __init__(self, answer: Answer) -> None:
            super().__init__()
            self.answer = answer

    def __init__(self, services: Services, task: TaskRow, step: StepRow, first: Way) -> None:
        super().__init__(f"Run {printable(step.name)} again")
        self._services, self._task_row, self._step, self._way = services, task, step, first
        self._tried: Answer | None = None
        self._sending = False

    def compose_body(self) -> ComposeResult:
        """The ways, the patch, the reason, and what would run."""
        with RadioSet(id="rerun-way", compact=True, classes="choices"):
            for way in WAYS:
                yield ChoiceButton(WORDS[way], value=way == self._way, id=f"way-{way}", compact=True)
        with Horizontal(classes="labelled"):
            yield Label("", id="rerun-patch-label")
            yield Input(id="rerun-patch", placeholder='what changes, as JSON: {"amount": 12}', compact=True)
        with Horizontal(classes="labelled"):
            yield Label("reason")
            yield Input(id="rerun-reason", placeholder="kept in the audit", compact=True)
        yield Static(id="rerun-facts", markup=False)

    def on_mount(self) -> None:
        """Try the first way."""
        ways = self.query_one(RadioSet)
        for _ in range(WAYS.index(self._way)):
            ways.action_next_button()
        ways.focus()
        self._try()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Send or leave."""
        return {"rerun.send": self._send, "rerun.close": partial(self.dismiss, None)}

    def on_radio_set_changed(self, event: RadioSet.Changed) -> None:
        """Another way; what was found for the one before is no longer right."""
        self._way, self._tried = WAYS[event.index], None
        self._show()
        self._try()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Other inputs are part of the command."""
        self._show()

    def on_input_submitted(self) -> None:
        """Enter in a field sends."""
        self._send()

    def on_rerun_dialog_tried(self, event: Tried) -> None:
        """Show it, if it is about what is chosen now."""
        if event.sent:
            self._sending = False
        elif self._sending or event.way != self._way:
            return
        self._tried = event.answer
        self.tell(event.problem)
        self._show()

    def on_rerun_dialog_done(self, event: Done) -> None:
        """Hand it to the screen below."""
        self.dismiss(event.answer)

    def _show(self) -> None:
        label = {"fork": "context", "task": ""}.get(self._way, "inputs")
        self.query_one("#rerun-patch-label", Label).update(label)
        self.query_one("#rerun-patch", Input).disabled = self._way == "task"
        facts = _facts(self._tried, self._command(), palette_for(self))
        self.query_one("#rerun-facts", Static).update(facts)

    def _patch(self) -> dict[str, Any] | None:
        """The patch, None for none. Raises ValueError with what is wrong."""
        text = self.query_one("#rerun-patch", Input).value.strip()
        if not text or self._way == "task":
            return None
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"what changes is no JSON: {error.msg} at {error.colno}") from None
        if not isinstance(found, dict):
            raise ValueError("what changes must be a JSON object, {…}")
        return found

    def _command(self) -> str:
        uuid, step = self._task_row.uuid, shlex.quote(self._step.name)
        command = {
            "step": f"tasker task retry {uuid} {step}",
            "downstream": f"tasker task retry {uuid} {step} --downstream",
            "task": f"tasker task retry {uuid} --all",
            "fork": f"tasker task fork {uuid} --from {step}",
        }[self._way]
        patch = "" if self._way == "task" else self.query_one("#rerun-patch", Input).value.strip()
        options = {"context" if self._way == "fork" else "input": patch}
        return with_options(command, **options, reason=self.query_one("#rerun-reason", Input).value.strip())

    def _call(self, patch: dict[str, Any] | None, *, dry_run: bool) -> Call[Any]:
        reason = self.query_one("#rerun-reason", Input).value.strip() or "run again from the dashboard"
        common = {"reason": reason, "actor": self._services.user, "dry_run": dry_run}
        uuid, steps = self._task_row.uuid, [self._step.name]
        if self._way == "fork":
            return fork(uuid, steps=steps, context=patch, **common)
        if self._way == "task":
            return retry(uuid, whole_task=True, **common)
        return retry(uuid, steps=steps, downstream=self._way == "downstream", inputs=patch, **common)

    def _try(self) -> None:
        self._ask_what_would_run(self._way, self._call(None, dry_run=True))

    def _send(self) -> None:
        if self._sending:
            return
        try:
            patch = self._patch()
        except ValueError as error:
            self.tell(str(error))
            return
        self._sending = True
        self.tell("sending…")
        self._run_again(self._way, self._command(), self._call(patch, dry_run=False))

    @work(group="try", exclusive=True)
    async def _ask_what_would_run(self, way: Way, call: Call[Any]) -> None:
        try:
            answer = await self._services.client.send(call)
        except CALL_FAILURES as error:
            self.post_message(self.Tried(way, None, explain(error)))
        else:
            self.post_message(self._read(way, answer))

    @work(group="send")
    async def _run_again(self, way: Way, command: str, call: Call[Any]) -> None:
        services = self._services
        try:
            answer = await services.commands.run(command, services.client.send(call))
        except CALL_FAILURES as error:
            self.post_message(self.Tried(way, None, explain(error), sent=True))
            return
        found = self._read(way, answer, sent=True)
        self.post_message(found if found.problem else self.Done(answer))

    def _read(self, way: Way, answer: Answer, *, sent: bool = False) -> Tried:
        if isinstance(answer, RetryAnswer) and not answer.changed:
            return self.Tried(way, None, answer.message, sent=sent)
        return self.Tried(way, answer, "", sent=sent)


def _facts(tried: Answer | None, command: str, palette: Palette) -> Text:
    text = Text("\n")
    if tried is not None:
        for label, names in _effects(tried.steps):
            shown = ", ".join(printable(name) for name in names[:SHOWN_NAMES])
            more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
            text.append(f"{label:<13}", palette.muted)
            text.append(f"{plural(len(names), 'step')}: {shown}{more}\n", palette.text)
    text.append(f"{'same as':<13}{printable(command)}\n", palette.muted)
    return text


def _effects(steps: Sequence[RerunStep | ForkStep]) -> list[tuple[str, list[str]]]:
    words = {
        "enqueued": "runs at once",
        "pending": "runs later",
        "taken_over": "is taken over",
        "superseded": "made anew",
    }
    groups = [
        (label, [step.name for step in steps if step.effect == effect]) for effect, label in words.items()
    ]
    lost = [step.name for step in steps if isinstance(step, RerunStep) and step.lease_lost]
    return [(label, names) for label, names in [*groups, ("is stopped", lost)] if names]


def outcome(answer: Answer) -> str:
    """What was done, for a notice."""
    if isinstance(answer, ForkAnswer):
        return f"{short_id(str(answer.task_uuid))} is a fork of {short_id(str(answer.forked_from))}"
    return answer.message
