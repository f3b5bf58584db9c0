"""The keys of the other lists."""

from __future__ import annotations

from tasker_tui.actions import command_lines
from tasker_tui.actions.model import Action
from tasker_tui.actions.reasons import (
    cannot_find_failed,
    needs,
    needs_connection,
    needs_marks,
    needs_pair,
    or_marked,
)

_GROUPS = or_marked(needs("group", "failure", change=True))

LISTS: tuple[Action, ...] = (
    Action("runs.open", "open", ("enter",), "runs", "Open the step under the cursor, of this run", hint=True,
           disabled_reason=needs("run", "run")),
    Action("runs.open_run", "run", ("o",), "runs", "Open the whole run", hint=True,
           disabled_reason=needs("run", "run")),
    Action("runs.left", "left", ("h", "left"), "runs", "Step before", disabled_reason=needs("run", "run")),
    Action("runs.right", "right", ("l", "right"), "runs", "Next step", disabled_reason=needs("run", "run")),
    Action("runs.next_failed", "failed", ("exclamation_mark",), "runs",
           "Go to the next failed step of the run", hint=True, disabled_reason=cannot_find_failed),
    Action("runs.compare", "compare", ("d",), "runs",
           "What differs between marked runs, or from the newest run that came through", hint=True,
           disabled_reason=needs_pair),
    Action("runs.mark", "mark", ("space",), "runs", "Mark the run: d compares two, or it with the one here",
           disabled_reason=needs("run", "run")),
    Action("runs.unmark", "unmark", ("u",), "runs", "Unmark all", disabled_reason=needs_marks),
    Action("runs.start", "start", ("s",), "runs", "Start a task of this template from a form", "changes",
           disabled_reason=needs_connection),
    Action("runs.back", "back", ("escape", "backspace"), "runs", "Back to the list", hint=True),
    Action("compare.back", "back", ("escape", "backspace"), "compare", "Back to the runs", hint=True),
    Action("queues.workers", "workers", ("2",), "queues", "Who works, and on what", hint=True),
    Action("queues.back", "back", ("escape", "backspace"), "queues", "Back to the list", hint=True),
    Action("letters.open", "open", ("enter",), "letters", "Open the task", hint=True,
           disabled_reason=needs("letter", "dead letter")),
    Action("letters.close", "close it", ("m",), "letters", "Retry, resolve, fail or cancel its task",
           "changes", hint=True, disabled_reason=needs("letter", "dead letter", change=True)),
    Action("letters.take", "take it", ("a",), "letters", "Make it yours", "changes", hint=True,
           disabled_reason=needs("letter", "dead letter", change=True)),
    Action("letters.back", "back", ("escape", "backspace"), "letters", "Back to the list", hint=True),
    Action("failures.open", "tasks", ("enter",), "failures", "List the tasks that failed this way",
           hint=True, disabled_reason=needs("group", "failure"), cli_equivalent=command_lines.list_failed),
    Action("failures.newest", "newest", ("o",), "failures", "Open the newest task that failed this way",
           disabled_reason=needs("group", "failure")),
    Action("failures.retry", "retry all", ("r",), "failures", "Retry all steps that failed this way",
           "changes", hint=True, disabled_reason=_GROUPS),
    Action("failures.resolve", "resolve all", ("m",), "failures",
           "Count all steps that failed this way as done", "changes", hint=True, disabled_reason=_GROUPS),
    Action("failures.assign", "assign", ("a",), "failures", "Say whose this group is: you, or somebody else",
           "changes", hint=True, disabled_reason=_GROUPS, cli_equivalent=command_lines.assign_failures),
    Action("failures.note", "note", ("n",), "failures",
           "Note what was found about this group, and how far it is", "changes", hint=True,
           disabled_reason=_GROUPS, cli_equivalent=command_lines.note_failures),
    Action("failures.mark", "mark", ("space",), "failures", "Mark the group: r, m, a and n act on all marked",
           disabled_reason=needs("group", "failure")),
    Action("failures.range", "range", ("V",), "failures", "Mark from here to where the cursor goes",
           disabled_reason=needs("group", "failure")),
    Action("failures.mark_all", "mark all", ("ctrl+a",), "failures", "Mark all that are shown",
           disabled_reason=needs("group", "failure")),
    Action("failures.unmark", "unmark", ("u",), "failures", "Unmark all", disabled_reason=needs_marks),
    Action("failures.back", "back", ("escape", "backspace"), "failures", "Back to the list", hint=True),
    Action("rows.filter", "filter", ("slash",), "rows",
           "Narrow the list: text !without /regex/ ~fuzzy", hint=True),
)  # fmt: skip
