"""What can be completed of the list of tasks, as far as it is in memory."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from tasker_tui.task_list import TaskList
from tasker_tui.view_models import TaskRow

Words = dict[str, Sequence[str]]


class KnownWords:
    """Remembers the names of templates that were met."""

    def __init__(self, tasks: TaskList) -> None:
        self._tasks = tasks
        self._templates: set[str] = set()

    def meet(self, rows: Iterable[TaskRow]) -> None:
        """These came into the list."""
        self._templates |= {row.name for row in rows}

    def arguments(self) -> Words:
        """What can follow commands."""
        rows = self._tasks.window.rows
        runs = {shlex.join((row.namespace, row.name, row.version)) for row in rows}
        return {"task": [row.uuid for row in rows], "runs": sorted(runs), "start": sorted(self._templates)}

    def names(self) -> Words:
        """What can follow the keys of a filter."""
        rows = self._tasks.window.rows
        return {
            "template": sorted(self._templates),
            "namespace": sorted({row.namespace for row in rows}),
            "tag": sorted({tag for row in rows for tag in row.tags or ()}),
            "initiator": sorted({row.initiator for row in rows if row.initiator}),
        }
