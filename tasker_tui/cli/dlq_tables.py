"""What `tasker dlq …` prints for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table

from engine.model.wire.dead_letters import (
    DlqChange,
    DlqEntry,
    DlqInvestigationQueueEntry,
    DlqStats,
    StalenessMonitoring,
)
from tasker_tui.cli.console import console, plain

TIME = "%Y-%m-%d %H:%M:%S"


def print_entries(entries: Sequence[DlqEntry]) -> None:
    """A line each."""
    if not entries:
        console().print("no dead letters; `tasker failures` shows which steps are in error")
        return
    table = _table("ENTRY", "SINCE", "TASK", "WHAT", "CAUSE", "STATUS", "WITH")
    for one in entries:
        table.add_row(
            str(one.dlq_entry_uuid),
            f"{one.dlq_timestamp:{TIME}}",
            str(one.task_uuid),
            plain(_what(one.namespace_name, one.task_name)),
            one.cause,
            one.resolution_status,
            plain(one.assignee or "-"),
        )
    console().print(table)


def print_queue(entries: Sequence[DlqInvestigationQueueEntry]) -> None:
    """A line each, the most urgent first, with the step that failed and what it said."""
    if not entries:
        console().print("no open dead letters; `tasker dlq list` shows the closed ones")
        return
    table = _table("SCORE", "MINUTES", "TASK", "WHAT", "CAUSE", "STATE", "WITH", "STEP", "ERROR")
    for one in entries:
        table.add_row(
            f"{one.priority_score:.0f}",
            f"{one.minutes_in_dlq:.0f}",
            str(one.task_uuid),
            plain(_what(one.namespace_name, one.task_name)),
            one.cause,
            one.current_state or "-",
            plain(one.assignee or "-"),
            plain(one.failed_step or "-"),
            plain(one.error_message or "-"),
        )
    console().print(table)


def print_stats(stats: Sequence[DlqStats]) -> None:
    """A line for each reason."""
    if not stats:
        console().print(
            "no dead letters yet; `tasker dlq staleness` shows how long tasks are in their states"
        )
        return
    table = _table("REASON", "ALL", "OPEN", "RESOLVED", "FAILED", "CANCELLED", "MINUTES TO CLOSE")
    for one in stats:
        took = one.avg_resolution_time_minutes
        table.add_row(
            one.dlq_reason,
            str(one.total_entries),
            str(one.pending),
            str(one.manually_resolved),
            str(one.permanent_failures),
            str(one.cancelled),
            "-" if took is None else f"{took:.1f}",
        )
    console().print(table)


def print_staleness(tasks: Sequence[StalenessMonitoring]) -> None:
    """A line for each task."""
    if not tasks:
        console().print("no task waits or runs; `tasker task list` shows those that have ended")
        return
    table = _table("HEALTH", "TASK", "WHAT", "STATE", "MINUTES", "ALLOWED", "AGE")
    for one in tasks:
        table.add_row(
            one.health_status,
            str(one.task_uuid),
            plain(_what(one.namespace_name, one.task_name)),
            one.current_state,
            str(one.time_in_state_minutes),
            str(one.staleness_threshold_minutes),
            str(one.task_age_minutes),
        )
    console().print(table)


def print_entry(entry: DlqEntry) -> None:
    """One dead letter, with the steps of its snapshot that failed or had not ended."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in _facts(entry):
        table.add_row(name, plain(value))
    console().print(table)
    steps = [one for one in (entry.task_snapshot or {}).get("steps") or [] if one["state"] != "complete"]
    if steps:
        console().print()
        console().print(_steps(steps))


def _facts(entry: DlqEntry) -> Iterable[tuple[str, str]]:
    yield "entry", str(entry.dlq_entry_uuid)
    yield "task", f"{entry.task_uuid} ({_what(entry.namespace_name, entry.task_name)})"
    yield "cause", f"{entry.cause} ({entry.dlq_reason})"
    if message := (entry.metadata or {}).get("message") if isinstance(entry.metadata, dict) else None:
        yield "message", str(message)
    yield "since", f"{entry.dlq_timestamp:{TIME}}, the task was {entry.original_state}"
    yield "the task is", entry.current_state or "no longer kept"
    yield "with", entry.assignee or "nobody"
    closed = f" at {entry.resolution_timestamp:{TIME}}" if entry.resolution_timestamp else ""
    by = f" by {entry.resolved_by}" if entry.resolved_by else ""
    yield "status", f"{entry.resolution_status}{by}{closed}"
    if entry.resolution_notes:
        yield "notes", entry.resolution_notes


def _steps(steps: Sequence[dict[str, Any]]) -> Table:
    table = _table("STEP", "STATE", "ATTEMPTS", "ERROR")
    for one in steps:
        error = f"{one['error_type']}: {one.get('message', '')}" if "error_type" in one else ""
        table.add_row(
            plain(one["name"]), one["state"], f"{one['attempts']} of {one['max_attempts']}", plain(error)
        )
    return table


def print_change(change: DlqChange, done: str, already: str) -> None:
    """What became of a dead letter and its task."""
    entry = change.entry
    would = "would be: " if change.dry_run else ""
    told = f"{would}{done}" if change.changed else already
    console().print(
        f"{entry.task_uuid}: {told}; the dead letter is {entry.resolution_status}, "
        f"the task {entry.current_state or 'no longer kept'}",
        markup=False,
    )


def _what(namespace: str | None, name: str | None) -> str:
    return f"{namespace}/{name}" if name else "-"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table
