"""Run again: a step, all that comes after it, the whole task, or a new task from there; with other inputs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
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
from engine.model.canonical import canonical_json
from engine.model.given_inputs import given_inputs
from engine.model.merge_patch import merge_patch
from engine.model.payload import PayloadRejected
from engine.model.wire.reruns import ForkAnswer, ForkStep, RerunStep, RetryAnswer
from tasker_tui.actions import bindings
from tasker_tui.actions.command_lines import with_options
from tasker_tui.modals.retry import MANY_STEPS
from tasker_tui.services import Services
from tasker_tui.text import json_line, plural, printable, short_id
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
Question = tuple[Way, dict[str, Any] | None]
"""A way, and what is to change: what would run is asked for it."""
WIDE: tuple[Way, ...] = ("downstream", "task")
"""They may run so many steps that a key is not enough."""
SHOWN_NAMES = 5
OFFERED_CHARACTERS, SHOWN_CHARACTERS = 2000, 300


class RerunDialog(Dialog[Answer | None]):
    """Answers what the server did. Every choice is tried first, so that what would run is shown.

    A failed step may be run alone; one that is done with all that comes after it. What its handler is given
    now is offered to be changed; what differs from it is the patch.
    """

    SCOPE = "rerun"
    BINDINGS = bindings("rerun")

    class Tried(Message):
        """What would run, or why it cannot be; `sent` answers to what was more than a question."""

        def __init__(
            self, question: Question, answer: Answer | None, problem: str, *, sent: bool = False
        ) -> None:
            super().__init__()
            self.question, self.answer, self.problem, self.sent = question, answer, problem, sent

    class Done(Message):
        """The server has done it."""

        def __init__(self, answer: Answer) -> None:
            super().__init__()
            self.answer = answer

    def __init__(
        self, services: Services, task: TaskRow, step: StepRow, context: dict[str, Any], first: Way
    ) -> None:
        super().__init__(f"Run {printable(step.name)} again")
        self._services, self._task_row, self._step, self._way = services, task, step, first
        given = given_inputs(context, step.inputs)
        self._given: dict[Way, dict[str, Any]] = {
            "step": given, "downstream": given, "task": {}, "fork": context,
        }  # fmt: skip
        self._asked: Question | None = None
        self._tried: Answer | None = None
        self._sending = False
        self._early = False
        """Whether it was to be sent before it was known how much it is."""

    def compose_body(self) -> ComposeResult:
        """The ways, the patch, the reason, and what would run."""
        with RadioSet(id="rerun-way", compact=True, classes="choices"):
            for way in WAYS:
                yield ChoiceButton(WORDS[way], value=way == self._way, id=f"way-{way}", compact=True)
        with Horizontal(classes="labelled"):
            yield Label("", id="rerun-patch-label")
            yield Input(
                _offer(self._given[self._way]), 'what changes, as JSON: {"amount": 12}', id="rerun-patch",
                compact=True,
            )  # fmt: skip
        with Horizontal(classes="labelled"):
            yield Label("reason")
            yield Input(id="rerun-reason", placeholder="kept in the audit", compact=True)
        with Horizontal(id="rerun-confirmed", classes="labelled"):
            yield Label("confirm")
            yield Input(id="rerun-confirm", compact=True)
        yield Static(id="rerun-facts", markup=False)

    def on_mount(self) -> None:
        """Try the first way."""
        ways = self.query_one(RadioSet)
        for _ in range(WAYS.index(self._way)):
            ways.action_next_button()
        ways.focus()
        self._show()
        self._try()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Send or leave."""
        return {"rerun.send": self._send, "rerun.close": partial(self.dismiss, None)}

    def on_radio_set_changed(self, event: RadioSet.Changed) -> None:
        """Another way; what was found for the one before is no longer right."""
        field, offered = self.query_one("#rerun-patch", Input), _offer(self._given[self._way])
        self._way, self._tried, self._early = WAYS[event.index], None, False
        if field.value in ("", offered):
            field.value = _offer(self._given[self._way])
        self._show()
        self._try()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Other inputs are part of the command, and of what is tried."""
        self._show()
        if event.input.id == "rerun-patch":
            if self._early:  # what was to be sent is something else now
                self._early = False
                self.tell("")
            self._try()

    def on_input_submitted(self) -> None:
        """Enter in a field sends."""
        self._send()

    def on_rerun_dialog_tried(self, event: Tried) -> None:
        """Show it, if it is about what is chosen now."""
        if event.sent:
            self._sending = False
        elif self._sending or event.question is not self._asked:
            return
        self._tried = event.answer
        self.tell(event.problem)
        self._show()
        early, self._early = self._early, False
        if early and event.answer is not None:
            self._send()

    def on_rerun_dialog_done(self, event: Done) -> None:
        """Hand it to the screen below."""
        self.dismiss(event.answer)

    def _show(self) -> None:
        label = {"fork": "context", "task": ""}.get(self._way, "inputs")
        self.query_one("#rerun-patch-label", Label).update(label)
        self.query_one("#rerun-patch", Input).disabled = self._way == "task"
        many = self._many()
        self.query_one("#rerun-confirmed").display = many > 0
        self.query_one("#rerun-confirm", Input).placeholder = f"type {many}"
        command = self.here(self._command())
        facts = _facts(self._tried, self._changed(), self._left_out(), command, palette_for(self))
        self.query_one("#rerun-facts", Static).update(facts)

    def _many(self) -> int:
        """How many steps of this task would run, if they are so many that a key is not enough; else 0."""
        count = len(self._tried.steps) if isinstance(self._tried, RetryAnswer) else 0
        return count if count > MANY_STEPS else 0

    def _changed(self) -> dict[str, Any] | None:
        """What is given instead; None where nothing changes, or it is not known yet to what."""
        try:
            patch = self._patch()
        except ValueError:
            return None
        return None if patch is None else merge_patch(self._given[self._way], patch)

    def _left_out(self) -> list[str]:
        """What was offered and is not written any more: that does not take it away."""
        given, text = self._given[self._way], self.query_one("#rerun-patch", Input).value
        try:
            found = json.loads(text) if text.strip() and _offer(given) else given
        except ValueError:
            return []
        return [key for key in given if key not in found] if isinstance(found, dict) else []

    def _patch(self) -> dict[str, Any] | None:
        """What differs from what is given now, None for nothing. Raises ValueError with what is wrong."""
        text = self.query_one("#rerun-patch", Input).value.strip()
        if not text or self._way == "task":
            return None
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"what changes is no JSON: {error.msg} at {error.colno}") from None
        if not isinstance(found, dict):
            raise ValueError("what changes must be a JSON object, {…}")
        return _differing(found, self._given[self._way]) or None

    def _command(self) -> str:
        uuid, step = self._task_row.uuid, shlex.quote(self._step.name)
        command = {
            "step": f"tasker task retry {uuid} {step}",
            "downstream": f"tasker task retry {uuid} {step} --downstream",
            "task": f"tasker task retry {uuid} --all",
            "fork": f"tasker task fork {uuid} --from {step}",
        }[self._way]
        try:
            patch = _json(found) if (found := self._patch()) else None
        except ValueError:
            patch = self.query_one("#rerun-patch", Input).value.strip()
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
        """Ask what would run, unless that was asked already, or the patch is not written to its end."""
        with suppress(ValueError):
            question = (self._way, self._patch())
            if _json(question) == _json(self._asked):
                return
            try:
                self._ask(question)
            except PayloadRejected as error:
                self.tell(printable(str(error)))

    def _ask(self, question: Question) -> None:
        self._asked = question
        self._ask_what_would_run(question, self._call(question[1], dry_run=True))

    def _send(self) -> None:
        if self._sending:
            return
        try:
            patch = self._patch()
            call = self._call(patch, dry_run=False)
        except ValueError as error:
            self.tell(printable(str(error)))
            return
        if self._way in WIDE and self._tried is None:
            self._early = True
            self.tell("looking what would run…")
            self._ask((self._way, patch))
        elif self._confirmed():
            self._sending = True
            self.tell("sending…")
            self._run_again((self._way, patch), self._command(), call)

    def _confirmed(self) -> bool:
        """Whether the number of many steps is typed; says so if it is not."""
        many, field = self._many(), self.query_one("#rerun-confirm", Input)
        if not many or field.value.strip() == str(many):
            return True
        self.tell(f"type {many} to confirm")
        field.focus()
        return False

    @work(group="try", exclusive=True)
    async def _ask_what_would_run(self, question: Question, call: Call[Any]) -> None:
        try:
            answer = await self._services.client.send(call)
        except CALL_FAILURES as error:
            self.post_message(self.Tried(question, None, explain(error)))
        else:
            self.post_message(self._read(question, answer))

    @work(group="send")
    async def _run_again(self, question: Question, command: str, call: Call[Any]) -> None:
        services = self._services
        try:
            answer = await services.commands.run(command, services.client.send(call))
        except CALL_FAILURES as error:
            self.post_message(self.Tried(question, None, explain(error), sent=True))
            return
        found = self._read(question, answer, sent=True)
        self.post_message(found if found.problem else self.Done(answer))

    def _read(self, question: Question, answer: Answer, *, sent: bool = False) -> Tried:
        if isinstance(answer, RetryAnswer) and not answer.changed:
            return self.Tried(question, None, answer.message, sent=sent)
        return self.Tried(question, answer, "", sent=sent)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _offer(given: dict[str, Any]) -> str:
    """What is given now as text to be changed; empty if that is nothing, or too much for a line."""
    text = _json(given)
    if printable(text) != text:
        text = json.dumps(given)
    return text if given and len(text) <= OFFERED_CHARACTERS else ""


def _differing(found: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in found.items()
        if key not in given or canonical_json(value) != canonical_json(given[key])
    }


def _facts(
    tried: Answer | None,
    changed: dict[str, Any] | None,
    left_out: Sequence[str],
    command: str,
    palette: Palette,
) -> Text:
    text = Text("\n")
    if left_out:
        more = f" and {len(left_out) - SHOWN_NAMES} more" if len(left_out) > SHOWN_NAMES else ""
        kept = ", ".join(printable(name) for name in left_out[:SHOWN_NAMES])
        text.append(f"{'stays':<13}", palette.muted)
        text.append(f"{kept}{more}", palette.text)
        text.append("  (null takes a value away)\n", palette.muted)
    if changed is not None:
        text.append(f"{'is given':<13}", palette.muted)
        text.append(f"{json_line(changed)[:SHOWN_CHARACTERS]}\n", palette.text)
    if isinstance(tried, RetryAnswer) and any(step.edited for step in tried.steps) and len(tried.steps) > 1:
        text.append(f"{'':<13}this step alone; a new task from here has it everywhere\n", palette.muted)
    if tried is not None:
        for label, names in _effects(tried.steps):
            shown = ", ".join(printable(name) for name in names[:SHOWN_NAMES])
            more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
            text.append(f"{label:<13}", palette.muted)
            text.append(f"{plural(len(names), 'step')}: {shown}{more}\n", palette.text)
    text.append(f"{'same as':<13}{command}\n", palette.muted)
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
