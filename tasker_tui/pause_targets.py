"""What can be paused: a task, a version of a template, a namespace."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.client import pauses
from tasker_tui.states import Mark
from tasker_tui.text import printable, short_id
from tasker_tui.view_models import TaskRow

if TYPE_CHECKING:  # each takes its time to import
    from engine.model.wire.pauses import Pause
    from engine.model.wire.queues import Queue


@dataclass(frozen=True, slots=True)
class PauseTarget:
    """One of them, as the calls address it and as `tasker pause WHAT` names it.

    `running` is how many steps of it run, None where that is not known.
    """

    kind: str
    title: str
    name: str
    address: str
    what: str
    running: int | None = None
    mark: Mark | None = None

    def is_paused_by(self, pause: Pause) -> bool:
        """Whether it is this that was paused, not what it belongs to."""
        return _address_of(pause) == self.address


def of_task(task: TaskRow) -> PauseTarget:
    """A task."""
    address, title = pauses.task(task.uuid), short_id(task.uuid)
    return PauseTarget("task", title, printable(task.name), address, task.uuid, task.running, task.mark)


def of_template(namespace: str, name: str, version: str) -> PauseTarget:
    """A version of a template."""
    what = f"{namespace}/{name}@{version}"
    address = pauses.template(namespace, name, version)
    return PauseTarget("template", printable(name), printable(what), address, shlex.quote(what))


def of_namespace(queue: Queue) -> PauseTarget:
    """A namespace."""
    name = printable(queue.namespace)
    address, what = pauses.namespace(queue.namespace), shlex.quote(queue.namespace)
    return PauseTarget("namespace", name, name, address, what, queue.in_progress)


def _address_of(pause: Pause) -> str:
    if pause.task_uuid:
        return pauses.task(pause.task_uuid)
    if pause.template:
        return pauses.template(pause.namespace or "", pause.template, pause.version or "")
    return pauses.namespace(pause.namespace or "")
