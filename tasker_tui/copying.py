"""What can be copied of what is selected: its id, the place, a command line that shows it, its JSON.

(Reference tui 4: `y` and a letter, by the terminal's clipboard, so that it works over ssh.)
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from tasker_tui.actions import Focus
from tasker_tui.client_port import TaskerPort
from tasker_tui.locator import Locator, to_task

COMMANDS = {
    "tasks": "tasker task list",
    "failures": "tasker failures",
    "queues": "tasker queues",
    "letters": "tasker dlq queue",
    "bulk": "tasker bulk list",
    "pulse": "tasker analytics",
}
"""The command lines that show whole lists."""


@dataclass(frozen=True, slots=True)
class Copyable:
    """Texts to copy, None for what there is not. `value` is an answer that is written as JSON."""

    id: str | None
    locator: str
    command: str | None
    task: str | None = None
    step: str | None = None
    value: Any = None

    @property
    def has_json(self) -> bool:
        """Whether there is something to write as JSON."""
        return self.task is not None or self.value is not None


def copyable(focus: Focus, shown: Locator) -> Copyable:
    """What is selected on a screen that shows a place; without a selection the place itself."""
    if focus.task and focus.step:
        where = to_task(focus.task.uuid, focus.step.name)
        return Copyable(focus.step.uuid, str(where), _show(focus.task.uuid), focus.task.uuid, focus.step.uuid)
    task = _task_of(focus)
    if focus.letter:
        command = f"tasker dlq show {task}"
        return Copyable(task, str(to_task(str(task))), command, value=focus.letter)
    if task:
        return Copyable(task, str(to_task(task)), _show(task), task)
    if focus.group:
        command = shlex.join(["tasker", "bulk", "retry", "--signature", focus.group.signature, "--dry-run"])
        return Copyable(focus.group.signature, str(shown), command, value=focus.group)
    if focus.bulk:
        uuid = str(focus.bulk.bulk_uuid)
        return Copyable(uuid, str(shown), f"tasker bulk show {uuid}", value=focus.bulk)
    return Copyable(None, str(focus.place or shown), COMMANDS.get(shown.place))


async def json_of(client: TaskerPort, what: Copyable) -> str:
    """The server's whole answer about it. Raises what the client raises."""
    value = what.value
    if what.task is not None and what.step is not None:
        steps = await client.list_steps(what.task)
        value = next((step for step in steps if str(step.step_uuid) == what.step), None)
    elif what.task is not None:
        value = await client.get_task(what.task)
    return to_json(value, indent=2).decode()


def _task_of(focus: Focus) -> str | None:
    if focus.task:
        return focus.task.uuid
    found = focus.letter or focus.run
    if found:
        return str(found.task_uuid)
    return focus.place.path[0] if focus.place and focus.place.place == "task" else None


def _show(uuid: str) -> str:
    return f"tasker task show {uuid}"
