"""The command lines that do the same as an action; None where there is none."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tasker_tui.actions.model import Focus

if TYPE_CHECKING:
    from engine.client.duplicates import OnDuplicate
    from engine.model.wire.tasks import TemplateDetail


def with_options(command: str, **options: str | None) -> str:
    """The command with the options that have a value: `reason="…"` is `--reason …`."""
    given = [[f"--{name.replace('_', '-')}", value] for name, value in options.items() if value]
    return " ".join([command, *(shlex.join(option) for option in given)])


def create(template: TemplateDetail, context: Mapping[str, Any], on_duplicate: OnDuplicate) -> str:
    command = f"tasker task create {shlex.quote(f'{template.namespace}/{template.name}')}"
    given = json.dumps(context, ensure_ascii=False) if context else None
    existing = None if on_duplicate == "raise" else on_duplicate
    return with_options(command, version=template.version, input=given, existing=existing)


def retry(focus: Focus) -> str | None:
    if focus.task is None:
        return None
    return f"tasker task retry {focus.task.uuid}" + (f" {shlex.quote(focus.step.name)}" if focus.step else "")


def skip(focus: Focus) -> str | None:
    if focus.task is None or focus.step is None:
        return None
    return f"tasker task skip {focus.task.uuid} {shlex.quote(focus.step.name)}"


def complete(focus: Focus) -> str | None:
    if focus.task is None or focus.step is None:
        return None
    return f"tasker task complete {focus.task.uuid} {shlex.quote(focus.step.name)}"


def pause(focus: Focus) -> str | None:
    return f"tasker pause {focus.task.uuid}" if focus.task else None


def pause_place(focus: Focus) -> str | None:
    return f"tasker pause {focus.pausing.what}" if focus.pausing else None


def cancel(focus: Focus) -> str | None:
    return f"tasker task cancel {focus.task.uuid}" if focus.task else None


def show(focus: Focus) -> str | None:
    return f"tasker task show {focus.task.uuid}" if focus.task else None


def on_part(verb: str) -> Callable[[Focus], str | None]:
    """What steers the process of the local stack."""
    return lambda focus: f"tasker dev {verb} {focus.part.name}" if focus.part else None


def reset_stack(focus: Focus) -> str | None:
    return "tasker dev reset"


def note_letter(focus: Focus) -> str | None:
    return f"tasker dlq update {focus.letter.task_uuid}" if focus.letter else None


def list_failed(focus: Focus) -> str | None:
    group = focus.group
    return with_options("tasker task list", status="active", signature=group.signature) if group else None


def assign_failures(focus: Focus) -> str | None:
    return f"tasker failures assign {shlex.quote(focus.group.signature)}" if focus.group else None


def note_failures(focus: Focus) -> str | None:
    return f"tasker failures note {shlex.quote(focus.group.signature)}" if focus.group else None
