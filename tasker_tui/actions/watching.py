"""The keys of the screens that show the whole system."""

from __future__ import annotations

from tasker_tui.actions import command_lines
from tasker_tui.actions.model import Action
from tasker_tui.actions.reasons import needs, needs_connection, needs_place

WATCHING: tuple[Action, ...] = (
    Action("pulse.open", "open", ("enter",), "pulse", "Go where the line is dealt with", hint=True,
           disabled_reason=needs_place),
    Action("pulse.back", "back", ("escape", "backspace"), "pulse", "Back to the list", hint=True),
    Action("events.open", "open", ("enter",), "events", "Open the task, at the step", hint=True,
           disabled_reason=needs_place),
    Action("events.filter", "filter", ("slash",), "events", "Narrow the tail: state:error template:NAME text",
           hint=True),
    Action("events.pause", "pause", ("F",), "events", "Hold the tail still, or follow it again", hint=True),
    Action("events.back", "back", ("escape", "backspace"), "events", "Take the filter away, or go back",
           hint=True),
    Action("workers.open", "its steps", ("enter",), "workers", "The steps that the worker holds", hint=True,
           disabled_reason=needs("place", "worker")),
    Action("workers.queues", "queues", ("1",), "workers", "What waits for workers", hint=True),
    Action("workers.back", "back", ("escape", "backspace"), "workers", "Back to the list", hint=True),
    Action("worker.open", "open", ("enter",), "worker", "Open the task, at the step", hint=True,
           disabled_reason=needs("place", "step")),
    Action("worker.back", "back", ("escape", "backspace"), "worker", "Back to the workers", hint=True),
    Action("templates.open", "open", ("enter",), "templates", "Its graph, and how each step does", hint=True,
           disabled_reason=needs("place", "template")),
    Action("templates.start", "start", ("s",), "templates", "Start a task of it from a form", "changes",
           hint=True, disabled_reason=needs("place", "template", change=True)),
    Action("templates.runs", "runs", ("v",), "templates", "Its runs beside each other", hint=True,
           disabled_reason=needs("place", "template")),
    Action("templates.pause", "pause", ("p",), "templates", "Pause the template, or let it go on", "changes",
           hint=True, disabled_reason=needs("pausing", "template", change=True),
           cli_equivalent=command_lines.pause_place),
    Action("templates.back", "back", ("escape", "backspace"), "templates", "Back to the list", hint=True),
    Action("template.start", "start", ("s",), "template", "Start a task of it from a form", "changes",
           hint=True, disabled_reason=needs_connection),
    Action("template.runs", "runs", ("v",), "template", "Its runs beside each other", hint=True),
    Action("template.other", "graph or list", ("tab",), "template", "Move in the graph, or in the list",
           hint=True),
    Action("template.back", "back", ("escape", "backspace"), "template", "Back to the templates", hint=True),
)  # fmt: skip
