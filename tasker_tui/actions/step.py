"""The keys of one step, and of JSON that can be folded."""

from __future__ import annotations

from tasker_tui.actions import command_lines
from tasker_tui.actions.model import Action
from tasker_tui.actions.reasons import (
    cannot_end_step,
    cannot_retry_step,
    needs,
    needs_unfinished_step,
)

STEP: tuple[Action, ...] = (
    Action("step.retry", "retry", ("r",), "step", "Retry this failed step", "changes", hint=True,
           disabled_reason=cannot_retry_step, cli_equivalent=command_lines.retry),
    Action("step.rerun", "run again", ("R",), "step",
           "Run again: the step, all after it, the whole task, a fork; with other inputs", "changes",
           hint=True, disabled_reason=needs("step", "step", change=True)),
    Action("step.resolve", "resolve", ("m",), "step", "Count the step as done, without running it",
           "changes", disabled_reason=cannot_end_step, cli_equivalent=command_lines.skip),
    Action("step.complete", "complete", ("M",), "step", "Complete the step with a result by hand",
           "changes", disabled_reason=cannot_end_step, cli_equivalent=command_lines.complete),
    Action("step.tab_attempts", "attempts", ("1",), "step", "Every attempt, with its time, worker and error"),
    Action("step.tab_input", "input", ("2",), "step", "What the handler is given"),
    Action("step.tab_result", "result", ("3",), "step", "What the handler returned"),
    Action("step.tab_error", "error", ("4",), "step", "The newest error, its line of source, its traceback"),
    Action("step.tab_logs", "logs", ("5", "L"), "step", "What the handler logged, as it comes"),
    Action("step.tab_why", "why", ("6",), "step", "What the step waits for"),
    Action("step.why", "why", ("w",), "step", "What the step waits for",
           disabled_reason=needs_unfinished_step),
    Action("step.json", "JSON", ("i",), "step", "All that the server knows of the step, as JSON, and back"),
    Action("step.pager", "pager", ("o",), "step", "What is shown, whole, in the program that $PAGER names"),
    Action("step.search", "search", ("slash",), "step", "Find a text in the log", hint=True),
    Action("step.next", "next", ("n",), "step", "To the next place in the log that was found"),
    Action("step.previous", "before", ("N",), "step", "To the place before"),
    Action("step.wrap", "wrap", ("W",), "step", "Whole lines of the log, or one row each"),
    Action("step.back", "back", ("escape", "backspace"), "step", "Back to the task", hint=True),
    Action("json.toggle", "fold", ("enter", "space"), "json", "Fold or open what is under the cursor"),
    Action("json.fold", "fold all", ("minus",), "json", "Fold all members"),
    Action("json.unfold", "open all", ("plus",), "json", "Open all"),
)  # fmt: skip
