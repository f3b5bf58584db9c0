"""What is told about a task: its headline, its context, and what happened."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text
from textual.content import Content

from tasker_tui.states import STEP_MARKS, TASK_MARKS, Mark
from tasker_tui.step_report import json_text
from tasker_tui.task_view import TaskView
from tasker_tui.text import clock_time, duration, json_lines, printable, short_id
from tasker_tui.themes import Palette

MARKS: dict[str, Mark] = {
    **{f"step:{state.value}": mark for state, mark in STEP_MARKS.items()},
    **{f"task:{state.value}": mark for state, mark in TASK_MARKS.items()},
}
STEP_WIDTH = 26


def headline(view: TaskView, now: datetime, ascii_only: bool) -> Content:
    """Name, id, state and how far it is, for the frame of the screen."""
    task = view.task
    if task is None:
        return Content(short_id(view.uuid))
    mark = task.mark
    return Content.assemble(
        (printable(task.name), "bold"),
        f" {short_id(task.uuid)}  ",
        (f"{mark.glyph(ascii_only)} {mark.word}", f"bold $tone-{mark.tone}"),
        f"  {task.completed}/{task.total} steps  {duration(task.seconds(now))}",
    )


def tab_line(tabs: tuple[str, ...], current: str, palette: Palette) -> Text:
    """The tabs with their keys, the current one marked."""
    line = Text(no_wrap=True)
    for key, tab in enumerate(tabs, start=1):
        chosen = tab == current
        line.append(f" {key} ", palette.accent if chosen else palette.faint)
        line.append(f"{tab} ", palette.strong + palette.accent if chosen else palette.muted)
    return line


def context_text(view: TaskView, palette: Palette) -> Text:
    """Why, by whom and with what the task was started."""
    text = Text()
    task = view.task
    if task is None:
        return text
    facts = {
        "id": task.uuid,
        "template": f"{task.namespace}/{task.name} {task.version}",
        "by": task.initiator or "",
        "reason": view.reason,
        "tags": ", ".join(task.tags or ()),
        "started": task.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        "ended": task.completed_at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if task.completed_at else "",
    }
    for name, value in facts.items():
        if value:
            text.append(f"{name:<10}", palette.muted)
            text.append(f"{printable(value)}\n", palette.text)
    text.append("\ncontext\n", palette.muted)
    for line in json_lines(view.context):
        text.append_text(json_text(line, palette))
        text.append("\n")
    return text


def event_lines(view: TaskView, palette: Palette) -> Text:
    """The task's transitions, newest first."""
    if not view.events:
        return Text("Loading…", palette.muted)
    text = Text(no_wrap=True)
    for change in view.events:
        kind = "step" if change.step_uuid else "task"
        mark = MARKS.get(f"{kind}:{change.to_state}")
        tone = palette.tone(mark.tone) if mark else palette.text
        text.append(f"{clock_time(change.at)}  ", palette.muted)
        text.append(f"{printable(change.step_name or 'task'):<{STEP_WIDTH}} ", palette.text)
        came = f"{change.from_state} → " if change.from_state else ""
        text.append(came, palette.muted)
        text.append(change.to_state, tone)
        who = change.actor or (f"worker {str(change.worker_uuid)[-8:]}" if change.worker_uuid else "")
        reason = f"  {printable(change.reason)}" if change.reason else ""
        text.append(f"  {printable(who)}{reason}\n", palette.muted)
    return text
