"""The command lines that do the same as an action; None where there is none."""

from __future__ import annotations

from tasker_tui.actions.model import Focus


def retry(focus: Focus) -> str | None:
    if focus.task is None:
        return None
    return f"tasker task retry {focus.task.uuid}" + (f" {focus.step.name}" if focus.step else "")


def skip(focus: Focus) -> str | None:
    return f"tasker task skip {focus.task.uuid} {focus.step.name}" if focus.task and focus.step else None


def complete(focus: Focus) -> str | None:
    return f"tasker task complete {focus.task.uuid} {focus.step.name}" if focus.task and focus.step else None


def pause(focus: Focus) -> str | None:
    return f"tasker pause {focus.task.uuid}" if focus.task else None


def cancel(focus: Focus) -> str | None:
    return f"tasker task cancel {focus.task.uuid}" if focus.task else None


def show(focus: Focus) -> str | None:
    return f"tasker task show {focus.task.uuid}" if focus.task else None
