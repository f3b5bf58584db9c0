"""The keys of the list of tasks."""

from __future__ import annotations

from tasker_tui.actions import command_lines
from tasker_tui.actions.model import Action
from tasker_tui.actions.reasons import (
    cannot_retry_task,
    needs,
    needs_connection,
    needs_filter,
    needs_marks,
    needs_open_task,
    not_filtered,
    or_marked,
)

TASKS: tuple[Action, ...] = (
    Action("tasks.open", "open", ("enter",), "tasks", "Open the selected task", hint=True,
           disabled_reason=needs("task", "task"), cli_equivalent=command_lines.show),
    Action("tasks.retry", "retry", ("r",), "tasks", "Retry the failed steps of the selected task",
           "changes", hint=True, disabled_reason=or_marked(cannot_retry_task),
           cli_equivalent=command_lines.retry),
    Action("tasks.start", "start", ("s",), "tasks", "Start a task from a form", "changes", hint=True,
           disabled_reason=needs_connection),
    Action("tasks.start_like", "start another", ("A",), "tasks",
           "Start another task with changed inputs of this one", "changes",
           disabled_reason=needs("task", "task", change=True)),
    Action("tasks.cancel", "cancel", ("c",), "tasks", "Cancel the selected task", "destroys", hint=True,
           disabled_reason=or_marked(needs_open_task("cancel")), cli_equivalent=command_lines.cancel),
    Action("tasks.pause", "pause", ("p",), "tasks", "Pause the selected task, or let it go on", "changes",
           disabled_reason=or_marked(needs_open_task("pause")), cli_equivalent=command_lines.pause),
    Action("tasks.clear", "clear filter", ("escape",), "tasks",
           "Show all tasks again, or go back to the failures", disabled_reason=not_filtered),
    Action("tasks.filter", "filter", ("slash",), "tasks", "Narrow the list: state:failing since:2h text",
           hint=True),
    Action("tasks.failing", "failing", ("exclamation_mark",), "tasks",
           "Only tasks that need an operator, and back", hint=True),
    Action("tasks.preview", "why", ("tab", "w"), "tasks",
           "Show why the selected task waits or failed, or hide it", hint=True),
    Action("tasks.resolve", "resolve", ("m",), "tasks", "Count the failed steps of the task as done",
           "changes", disabled_reason=or_marked(cannot_retry_task)),
    Action("tasks.mark", "mark", ("space",), "tasks", "Mark the task: r, m, c and p act on all marked",
           disabled_reason=needs("task", "task")),
    Action("tasks.range", "range", ("V",), "tasks", "Mark from here to where the cursor goes",
           disabled_reason=needs("task", "task")),
    Action("tasks.mark_all", "mark all", ("ctrl+a",), "tasks", "Mark all that fit the filter",
           disabled_reason=needs_filter),
    Action("tasks.unmark", "unmark", ("u",), "tasks", "Unmark all", disabled_reason=needs_marks),
    Action("tasks.retry_all", "retry all", ("R",), "tasks",
           "Retry the failed steps of all that fit the filter", "changes", disabled_reason=needs_filter),
    Action("tasks.cancel_all", "cancel all", ("C",), "tasks", "Cancel all that fit the filter", "destroys",
           disabled_reason=needs_filter),
    Action("tasks.undo", "undo", ("z",), "tasks", "Back to what was marked and filtered before"),
    Action("tasks.redo", "redo", ("Z",), "tasks", "And forth again"),
    Action("tasks.runs", "runs", ("v",), "tasks", "The runs of this template beside each other",
           disabled_reason=needs("task", "task")),
)  # fmt: skip
