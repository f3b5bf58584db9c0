"""The keys of one task."""

from __future__ import annotations

from tasker_tui.actions import command_lines
from tasker_tui.actions.model import Action
from tasker_tui.actions.reasons import (
    cannot_end_step,
    cannot_find_failed,
    cannot_retry_step,
    needs,
    needs_open_task,
    needs_unfinished_step,
)

TASK: tuple[Action, ...] = (
    Action("task.step", "step", ("enter",), "task",
           "The selected step in full: attempts, data, error, logs", hint=True,
           disabled_reason=needs("step", "step")),
    Action("task.retry", "retry", ("r",), "task", "Retry the selected failed step", "changes", hint=True,
           disabled_reason=cannot_retry_step, cli_equivalent=command_lines.retry),
    Action("task.rerun", "run again", ("R",), "task",
           "Run again: a step, all after it, the whole task, a fork; with other inputs", "changes",
           disabled_reason=needs("step", "step", change=True)),
    Action("task.start_like", "start another", ("s", "A"), "task",
           "Start another task with changed inputs of this one", "changes",
           disabled_reason=needs("task", "task", change=True)),
    Action("task.resolve", "resolve", ("m",), "task", "Count the selected step as done, without running it",
           "changes", disabled_reason=cannot_end_step, cli_equivalent=command_lines.skip),
    Action("task.complete", "complete", ("M",), "task", "Complete the selected step with a result by hand",
           "changes", disabled_reason=cannot_end_step, cli_equivalent=command_lines.complete),
    Action("task.pause", "pause", ("p",), "task", "Pause this task, or let it go on", "changes",
           disabled_reason=needs_open_task("pause"), cli_equivalent=command_lines.pause),
    Action("task.cancel", "cancel", ("c",), "task", "Cancel this task", "destroys", hint=True,
           disabled_reason=needs_open_task("cancel"), cli_equivalent=command_lines.cancel),
    Action("task.next_failed", "failed", ("exclamation_mark",), "task", "Go to the next failed step",
           hint=True, disabled_reason=cannot_find_failed),
    Action("task.why", "why", ("w",), "task", "Why the selected step waits",
           disabled_reason=needs_unfinished_step),
    Action("task.tab_graph", "graph", ("1",), "task", "The graph of the steps"),
    Action("task.tab_steps", "steps", ("2",), "task", "The steps as a list"),
    Action("task.tab_gantt", "Gantt chart", ("3",), "task", "When the steps waited and ran"),
    Action("task.tab_events", "events", ("4",), "task", "What happened, as it happens"),
    Action("task.tab_context", "context", ("5",), "task", "What the task was started with"),
    Action("task.pager", "pager", ("o",), "task",
           "What the task was started with, whole, in the program that $PAGER names",
           disabled_reason=needs("task", "task")),
    Action("task.back", "back", ("escape", "backspace"), "task", "Back to the list", hint=True),
)  # fmt: skip
