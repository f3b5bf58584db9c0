"""The one table of actions: what bindings, hints, help, palette and the command line's twin are made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

from engine.model.states import STEP_SATISFIES, StepState
from engine.model.wire.comparison import GridRun
from engine.model.wire.dead_letters import DlqInvestigationQueueEntry
from engine.model.wire.failures import FailureGroup
from tasker_tui.text import duration, plural, short_id
from tasker_tui.view_models import StepRow, TaskRow

Scope = Literal[
    "app",
    "tasks",
    "task",
    "failures",
    "queues",
    "letters",
    "runs",
    "compare",
    "list",
    "graph",
    "retry",
    "rerun",
    "letter",
    "by_hand",
    "pause",
    "bulk",
    "bulk_progress",
    "cancel",
    "pick",
    "start",
    "duplicate",
    "help",
]
Risk = Literal["safe", "changes", "destroys"]


@dataclass(frozen=True, slots=True)
class Focus:
    """What an action would act on, as the screen is now."""

    connected: bool = True
    task: TaskRow | None = None
    step: StepRow | None = None
    group: FailureGroup | None = None
    letter: DlqInvestigationQueueEntry | None = None
    run: GridRun | None = None
    other_run: bool = False
    """Whether there is a run that came through, to compare the selected one with."""
    failed_steps: int = 0
    filtered: bool = False
    retry_in: float | None = None
    """Seconds until the selected step retries by itself."""


Reason = Callable[[Focus], str | None]


def _always(focus: Focus) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a key does.

    `disabled_reason` says why it cannot be done now, None if it can; `cli_equivalent` the command line that
    does the same. `hint` puts it on the hints line.
    """

    id: str
    title: str
    keys: tuple[str, ...]
    scope: Scope
    help: str
    risk: Risk = "safe"
    hint: bool = False
    disabled_reason: Reason = _always
    cli_equivalent: Callable[[Focus], str | None] = _always

    @property
    def binding(self) -> Binding:
        """The key binding; its id is what a user's keymap names."""
        return Binding(",".join(self.keys), f"do('{self.id}')", self.title, show=False, id=self.id)


def _needs_connection(focus: Focus) -> str | None:
    return None if focus.connected else "not connected; what is shown may be old"


def _needs(name: str, words: str, *, change: bool = False) -> Reason:
    """Something has to be selected; to change it, the server has to be there as well."""

    def reason(focus: Focus) -> str | None:
        if getattr(focus, name) is None:
            return f"no {words} is selected"
        return _needs_connection(focus) if change else None

    return reason


def _needs_open_task(verb: str) -> Reason:
    """The task may not have ended."""

    def reason(focus: Focus) -> str | None:
        task = focus.task
        if task is not None and task.finished:
            return f"{short_id(task.uuid)} is {task.mark.word}: there is nothing to {verb}"
        return _needs("task", "task", change=True)(focus)

    return reason


def _cannot_retry_task(focus: Focus) -> str | None:
    task = focus.task
    if task is None:
        return "no task is selected"
    if task.failed == 0:
        return f"{short_id(task.uuid)} has no failed step (it is {task.mark.word})"
    return _needs_connection(focus)


def _cannot_retry_step(focus: Focus) -> str | None:
    step = focus.step
    if step is None:
        return "no step is selected"
    if step.state is StepState.WAITING_FOR_RETRY and focus.retry_in is not None:
        return f"{step.name} retries by itself in {duration(focus.retry_in)}"
    if step.state is not StepState.ERROR:
        other = f"; ! leads to {plural(focus.failed_steps, 'failed step')}" if focus.failed_steps else ""
        return f"{step.name} is {step.mark.word}: only a failed step can be retried{other}"
    return _needs_connection(focus)


def _needs_other_run(focus: Focus) -> str | None:
    none = None if focus.other_run else "no other run of this template is complete"
    return _needs("run", "run")(focus) or none


def _cannot_end_step(focus: Focus) -> str | None:
    step = focus.step
    if step is None:
        return "no step is selected"
    if step.state in (*STEP_SATISFIES, StepState.CANCELLED):
        return f"{step.name} is {step.mark.word}: there is nothing to end by hand"
    return _needs_connection(focus)


def _not_filtered(focus: Focus) -> str | None:
    return None if focus.filtered else "this is the first screen, and no filter is set; q leaves"


def _cannot_find_failed(focus: Focus) -> str | None:
    return None if focus.failed_steps else "no step of this task has failed"


def _needs_unfinished_step(focus: Focus) -> str | None:
    step = focus.step
    if step is None:
        return "no step is selected"
    ended = step.state in (*STEP_SATISFIES, StepState.CANCELLED)
    return f"{step.name} is {step.mark.word}: it waits for nothing" if ended else None


def _cli_retry(focus: Focus) -> str | None:
    if focus.task is None:
        return None
    return f"tasker task retry {focus.task.uuid}" + (f" {focus.step.name}" if focus.step else "")


def _cli_skip(focus: Focus) -> str | None:
    return f"tasker task skip {focus.task.uuid} {focus.step.name}" if focus.task and focus.step else None


def _cli_complete(focus: Focus) -> str | None:
    return f"tasker task complete {focus.task.uuid} {focus.step.name}" if focus.task and focus.step else None


def _cli_pause(focus: Focus) -> str | None:
    return f"tasker pause {focus.task.uuid}" if focus.task else None


def _cli_cancel(focus: Focus) -> str | None:
    return f"tasker task cancel {focus.task.uuid}" if focus.task else None


def _cli_show(focus: Focus) -> str | None:
    return f"tasker task show {focus.task.uuid}" if focus.task else None


def _move(scope: Scope, name: str, keys: str, text: str) -> Action:
    return Action(f"{scope}.{name}", name, tuple(keys.split()), scope, text)


ACTIONS: tuple[Action, ...] = (
    Action("tasks.open", "open", ("enter",), "tasks", "Open the selected task", hint=True,
           disabled_reason=_needs("task", "task"), cli_equivalent=_cli_show),
    Action("tasks.retry", "retry", ("r",), "tasks", "Retry the failed steps of the selected task",
           "changes", hint=True, disabled_reason=_cannot_retry_task, cli_equivalent=_cli_retry),
    Action("tasks.start", "start", ("s",), "tasks", "Start a task from a form", "changes", hint=True,
           disabled_reason=_needs_connection),
    Action("tasks.cancel", "cancel", ("c",), "tasks", "Cancel the selected task", "destroys", hint=True,
           disabled_reason=_needs_open_task("cancel"), cli_equivalent=_cli_cancel),
    Action("tasks.pause", "pause", ("p",), "tasks", "Pause the selected task, or let it go on", "changes",
           disabled_reason=_needs_open_task("pause"), cli_equivalent=_cli_pause),
    Action("tasks.clear", "clear filter", ("escape",), "tasks", "Show all tasks again",
           disabled_reason=_not_filtered),
    Action("tasks.filter", "filter", ("slash",), "tasks", "Narrow the list: state:failing since:2h text",
           hint=True),
    Action("tasks.failing", "failing", ("exclamation_mark",), "tasks",
           "Only tasks that need an operator, and back", hint=True),
    Action("tasks.failures", "failures", ("e",), "tasks",
           "What failed, grouped by what the errors have in common"),
    Action("tasks.queues", "queues", ("Q",), "tasks", "What waits for workers, and who takes it"),
    Action("tasks.letters", "dead letters", ("D",), "tasks",
           "Tasks that need somebody, the most urgent first"),
    Action("tasks.runs", "runs", ("v",), "tasks", "The runs of this template beside each other",
           disabled_reason=_needs("task", "task")),
    Action("runs.open", "open", ("enter",), "runs", "Open the run", hint=True,
           disabled_reason=_needs("run", "run")),
    Action("runs.compare", "compare", ("d",), "runs", "What differs from the newest run that came through",
           hint=True, disabled_reason=_needs_other_run),
    Action("runs.back", "back", ("escape", "backspace"), "runs", "Back to the list", hint=True),
    Action("compare.back", "back", ("escape", "backspace"), "compare", "Back to the runs", hint=True),
    Action("queues.back", "back", ("escape", "backspace"), "queues", "Back to the list", hint=True),
    Action("letters.open", "open", ("enter",), "letters", "Open the task", hint=True,
           disabled_reason=_needs("letter", "dead letter")),
    Action("letters.close", "close it", ("m",), "letters", "Retry, resolve, fail or cancel its task",
           "changes", hint=True, disabled_reason=_needs("letter", "dead letter", change=True)),
    Action("letters.take", "take it", ("t",), "letters", "Make it yours", "changes", hint=True,
           disabled_reason=_needs("letter", "dead letter", change=True)),
    Action("letters.back", "back", ("escape", "backspace"), "letters", "Back to the list", hint=True),
    Action("failures.open", "newest", ("enter",), "failures", "Open the newest task that failed this way",
           hint=True, disabled_reason=_needs("group", "failure")),
    Action("failures.retry", "retry all", ("r",), "failures", "Retry all steps that failed this way",
           "changes", hint=True, disabled_reason=_needs("group", "failure", change=True)),
    Action("failures.resolve", "resolve all", ("m",), "failures",
           "Count all steps that failed this way as done", "changes", hint=True,
           disabled_reason=_needs("group", "failure", change=True)),
    Action("failures.back", "back", ("escape", "backspace"), "failures", "Back to the list", hint=True),
    Action("task.retry", "retry", ("r",), "task", "Retry the selected failed step", "changes", hint=True,
           disabled_reason=_cannot_retry_step, cli_equivalent=_cli_retry),
    Action("task.rerun", "run again", ("R",), "task",
           "Run again: a step, all after it, the whole task, a fork; with other inputs", "changes",
           disabled_reason=_needs("step", "step", change=True)),
    Action("task.resolve", "resolve", ("m",), "task", "Count the selected step as done, without running it",
           "changes", disabled_reason=_cannot_end_step, cli_equivalent=_cli_skip),
    Action("task.complete", "complete", ("M",), "task", "Complete the selected step with a result by hand",
           "changes", disabled_reason=_cannot_end_step, cli_equivalent=_cli_complete),
    Action("task.pause", "pause", ("p",), "task", "Pause this task, or let it go on", "changes",
           disabled_reason=_needs_open_task("pause"), cli_equivalent=_cli_pause),
    Action("task.cancel", "cancel", ("c",), "task", "Cancel this task", "destroys", hint=True,
           disabled_reason=_needs_open_task("cancel"), cli_equivalent=_cli_cancel),
    Action("task.next_failed", "failed", ("exclamation_mark",), "task", "Go to the next failed step",
           hint=True, disabled_reason=_cannot_find_failed),
    Action("task.why", "why", ("w",), "task", "Why the selected step waits",
           disabled_reason=_needs_unfinished_step),
    Action("task.tab_graph", "graph", ("1",), "task", "The graph of the steps"),
    Action("task.tab_steps", "steps", ("2",), "task", "The steps as a list"),
    Action("task.tab_context", "context", ("3",), "task", "What the task was started with"),
    Action("task.tab_events", "events", ("4",), "task", "What happened, as it happens"),
    Action("task.back", "back", ("escape", "backspace"), "task", "Back to the list", hint=True),
    Action("retry.send", "retry", ("enter", "ctrl+s"), "retry", "Retry what the dialog shows", "changes",
           hint=True),
    Action("retry.close", "leave it", ("escape",), "retry", "Close without a change", hint=True),
    Action("rerun.send", "run it", ("ctrl+s",), "rerun", "Run again what the dialog shows", "changes",
           hint=True),
    Action("rerun.close", "leave it", ("escape",), "rerun", "Close without a change", hint=True),
    Action("letter.send", "close it", ("ctrl+s",), "letter", "Do what is chosen", "changes", hint=True),
    Action("letter.leave", "leave it", ("escape",), "letter", "Leave it open", hint=True),
    Action("by_hand.send", "end the step", ("ctrl+s",), "by_hand", "End the step as the dialog says",
           "changes", hint=True),
    Action("by_hand.close", "leave it", ("escape",), "by_hand", "Close without a change", hint=True),
    Action("pause.send", "do it", ("enter", "ctrl+s"), "pause", "Pause or resume the task", "changes",
           hint=True),
    Action("pause.close", "leave it", ("escape",), "pause", "Close without a change", hint=True),
    Action("bulk.send", "do it", ("ctrl+s",), "bulk", "Do it to all that the dialog shows", "changes",
           hint=True),
    Action("bulk.close", "leave it", ("escape",), "bulk", "Close without a change", hint=True),
    Action("bulk_progress.stop", "stop", ("x",), "bulk_progress", "Stop after what is being done", "changes",
           hint=True),
    Action("bulk_progress.close", "let it go on", ("escape", "enter"), "bulk_progress",
           "Close; it goes on by itself", hint=True),
    Action("cancel.send", "cancel the task", ("y",), "cancel", "Cancel the task that the dialog shows",
           "destroys", hint=True),
    Action("cancel.close", "keep it", ("escape", "n"), "cancel", "Close without a change", hint=True),
    Action("pick.choose", "choose", ("enter",), "pick", "Take the selected template", hint=True),
    Action("pick.close", "close", ("escape",), "pick", "Close without a change", hint=True),
    Action("start.send", "start", ("ctrl+s",), "start", "Start the task with these inputs", "changes",
           hint=True),
    Action("start.json", "form or JSON", ("ctrl+o", "f2"), "start", "Edit the input as JSON, or go back",
           hint=True),
    Action("start.close", "close", ("escape",), "start", "Close without starting anything", hint=True),
    Action("duplicate.open", "open it", ("enter",), "duplicate", "Open the task that exists", hint=True),
    Action("duplicate.start", "start another", ("s",), "duplicate", "Start another task with these inputs",
           "changes", hint=True),
    Action("duplicate.close", "back to the form", ("escape",), "duplicate", "Change the inputs", hint=True),
    Action("help.close", "close", ("escape", "q", "question_mark"), "help", "Close the help", hint=True),
    Action("app.help", "help", ("question_mark", "f1"), "app", "The keys of this screen", hint=True),
    Action("app.palette", "commands", ("colon", "ctrl+p"), "app", "All commands, by name", hint=True),
    Action("app.theme", "theme", ("T",), "app", "Choose the colours"),
    Action("app.quit", "quit", ("q", "ctrl+c"), "app", "Leave; tasks go on running", hint=True),
    _move("list", "down", "j down", "Next row"),
    _move("list", "up", "k up", "Row before"),
    _move("list", "page_down", "ctrl+d pagedown", "A page down"),
    _move("list", "page_up", "ctrl+u pageup", "A page up"),
    _move("list", "first", "g home", "To the newest"),
    _move("list", "last", "G end", "To the oldest"),
    _move("graph", "right", "l right", "To the nearest step that waits for this one"),
    _move("graph", "left", "h left", "To the nearest step that this one waits for"),
    _move("graph", "down", "j down", "Down in the layer"),
    _move("graph", "up", "k up", "Up in the layer"),
    _move("graph", "first", "g home", "To the first step"),
    _move("graph", "last", "G end", "To the last step"),
)  # fmt: skip

BY_ID = {action.id: action for action in ACTIONS}


def of_scope(*scopes: Scope) -> list[Action]:
    """The actions of the scopes, in the order of the table."""
    return [action for action in ACTIONS if action.scope in scopes]


def bindings(*scopes: Scope) -> list[BindingType]:
    """The key bindings of the scopes; they call `action_do` of the widget that declares them."""
    return [action.binding for action in of_scope(*scopes)]


_KEY_NAMES = {
    "slash": "/",
    "question_mark": "?",
    "exclamation_mark": "!",
    "colon": ":",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
}


def key_name(key: str) -> str:
    """A key as it is written on the screen: `/`, `esc`, `^d`."""
    return _KEY_NAMES.get(key, key.replace("ctrl+", "^"))
