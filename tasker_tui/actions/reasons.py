"""Why an action cannot be done now, in words; None when it can."""

from __future__ import annotations

from engine.model.states import STEP_SATISFIES, StepState
from tasker_tui.actions.model import Focus, Reason
from tasker_tui.text import duration, plural, short_id


def needs_connection(focus: Focus) -> str | None:
    return None if focus.connected else "not connected; what is shown may be old"


def needs(name: str, words: str, *, change: bool = False) -> Reason:
    """Something has to be selected; to change it, the server has to be there as well."""

    def reason(focus: Focus) -> str | None:
        if getattr(focus, name) is None:
            return f"no {words} is selected"
        return needs_connection(focus) if change else None

    return reason


def needs_open_task(verb: str) -> Reason:
    """The task may not have ended."""

    def reason(focus: Focus) -> str | None:
        task = focus.task
        if task is not None and task.finished:
            return f"{short_id(task.uuid)} is {task.mark.word}: there is nothing to {verb}"
        return needs("task", "task", change=True)(focus)

    return reason


def cannot_retry_task(focus: Focus) -> str | None:
    task = focus.task
    if task is None:
        return "no task is selected"
    if task.failed == 0:
        return f"{short_id(task.uuid)} has no failed step (it is {task.mark.word})"
    return needs_connection(focus)


def cannot_retry_step(focus: Focus) -> str | None:
    step = focus.step
    if step is None:
        return "no step is selected"
    if step.state is StepState.WAITING_FOR_RETRY and focus.retry_in is not None:
        return f"{step.name} retries by itself in {duration(focus.retry_in)}"
    if step.state is not StepState.ERROR:
        other = f"; ! leads to {plural(focus.failed_steps, 'failed step')}" if focus.failed_steps else ""
        return f"{step.name} is {step.mark.word}: only a failed step can be retried{other}"
    return needs_connection(focus)


def needs_place(focus: Focus) -> str | None:
    return None if focus.place else "this line says all there is: no screen has more of it"


def needs_pair(focus: Focus) -> str | None:
    return focus.no_pair or None


def needs_order(focus: Focus) -> str | None:
    return None if focus.sorted else "no column sorts the list; , and a letter choose one"


def only_by_creation(focus: Focus) -> str | None:
    return "the tasks come in the order of their creation: = turns it round, / narrows them"


def cannot_end_step(focus: Focus) -> str | None:
    step = focus.step
    if step is None:
        return "no step is selected"
    if step.state in (*STEP_SATISFIES, StepState.CANCELLED):
        return f"{step.name} is {step.mark.word}: there is nothing to end by hand"
    return needs_connection(focus)


def or_marked(single: Reason) -> Reason:
    """With rows marked it acts on those, whatever is selected."""

    def reason(focus: Focus) -> str | None:
        return needs_connection(focus) if focus.marked else single(focus)

    return reason


def needs_filter(focus: Focus) -> str | None:
    return needs_connection(focus) if focus.filtered else "set a filter first: / says what all is"


def needs_marks(focus: Focus) -> str | None:
    return None if focus.marked else "nothing is marked; space marks"


def not_filtered(focus: Focus) -> str | None:
    return (
        None if focus.filtered or focus.over else "this is the first screen, and no filter is set; q leaves"
    )


def cannot_find_failed(focus: Focus) -> str | None:
    return None if focus.failed_steps else "no step of this task has failed"


def needs_unfinished_step(focus: Focus) -> str | None:
    step = focus.step
    if step is None:
        return "no step is selected"
    ended = step.state in (*STEP_SATISFIES, StepState.CANCELLED)
    return f"{step.name} is {step.mark.word}: it waits for nothing" if ended else None


def cannot_reset(focus: Focus) -> str | None:
    if not focus.connected:
        return "no tasker dev runs here"
    return f"the stack is {focus.stack_busy}" if focus.stack_busy else None


def cannot_order(focus: Focus) -> str | None:
    return cannot_reset(focus) or (None if focus.part else "no process is selected")


def cannot_start(focus: Focus) -> str | None:
    part = focus.part
    runs = part is not None and part.state != "stopped"
    return cannot_order(focus) or (f"the {part.name} is {part.state}" if part and runs else None)


def cannot_stop(focus: Focus) -> str | None:
    part = focus.part
    stopped = part is not None and part.state in ("stopped", "stopping")
    return cannot_order(focus) or (f"the {part.name} is {part.state}" if part and stopped else None)
