"""The keys of the dialogs."""

from __future__ import annotations

from tasker_tui.actions.model import Action

DIALOGS: tuple[Action, ...] = (
    Action("retry.send", "retry", ("enter", "ctrl+s"), "retry", "Retry what the dialog shows", "changes",
           hint=True),
    Action("retry.close", "leave it", ("escape",), "retry", "Close without a change", hint=True),
    Action("rerun.send", "run it", ("ctrl+s",), "rerun", "Run again what the dialog shows", "changes",
           hint=True),
    Action("rerun.close", "leave it", ("escape",), "rerun", "Close without a change", hint=True),
    Action("letter.send", "close it", ("ctrl+s",), "letter", "Do what is chosen", "changes", hint=True),
    Action("letter.leave", "leave it", ("escape",), "letter", "Leave it open", hint=True),
    Action("by_hand.send", "end the step", ("ctrl+s",), "by_hand", "End the step as the dialog says",
           "changes", hint=True),
    Action("by_hand.close", "leave it", ("escape",), "by_hand", "Close without a change", hint=True),
    Action("pause.send", "do it", ("enter", "ctrl+s"), "pause", "Pause or resume the task", "changes",
           hint=True),
    Action("pause.close", "leave it", ("escape",), "pause", "Close without a change", hint=True),
    Action("bulk.send", "do it", ("ctrl+s",), "bulk", "Do it to all that the dialog shows", "changes",
           hint=True),
    Action("bulk.close", "leave it", ("escape",), "bulk", "Close without a change", hint=True),
    Action("bulk_progress.stop", "stop", ("x",), "bulk_progress", "Stop after what is being done", "changes",
           hint=True),
    Action("bulk_progress.close", "let it go on", ("escape", "enter"), "bulk_progress",
           "Close; it goes on by itself", hint=True),
    Action("cancel.send", "cancel the task", ("y",), "cancel", "Cancel the task that the dialog shows",
           "destroys", hint=True),
    Action("cancel.close", "keep it", ("escape", "n"), "cancel", "Close without a change", hint=True),
    Action("pick.choose", "choose", ("enter",), "pick", "Take the selected template", hint=True),
    Action("pick.close", "close", ("escape",), "pick", "Close without a change", hint=True),
    Action("start.send", "start", ("ctrl+s",), "start", "Start the task with these inputs", "changes",
           hint=True),
    Action("start.json", "form or JSON", ("ctrl+o", "f2"), "start", "Edit the input as JSON, or go back",
           hint=True),
    Action("start.close", "close", ("escape",), "start", "Close without starting anything", hint=True),
    Action("duplicate.open", "open it", ("enter",), "duplicate", "Open the task that exists", hint=True),
    Action("duplicate.start", "start another", ("s",), "duplicate", "Start another task with these inputs",
           "changes", hint=True),
    Action("duplicate.close", "back to the form", ("escape",), "duplicate", "Change the inputs", hint=True),
    Action("help.close", "close", ("escape", "q", "question_mark"), "help", "Close the help", hint=True),
)  # fmt: skip
