"""The server's reasons for where unfinished steps are: which are still true, which tells the most."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from engine.model.whys import WHY_FILTERS
from tasker_tui.text import duration
from tasker_tui.view_models import StepRow

if TYPE_CHECKING:
    from engine.model.wire.details import StepWhy

TOLD_ELSEWHERE = ("failed", "retry")
"""Kinds of which a step's title and error say all: a sentence would stand still while the title counts."""
TIMED = ("running", *TOLD_ELSEWHERE)
"""Kinds of which the title of a step tells how long."""


def still_true(reason: StepWhy | None, step: StepRow) -> bool:
    """Whether the step is where it was when the server gave the reason."""
    return reason is not None and reason.state == step.state.value


def most_telling(reasons: Iterable[StepWhy]) -> StepWhy | None:
    """The reason that says the most about why the task is not done, None without one."""
    found = [reason for reason in reasons if reason.kind in WHY_FILTERS]
    return min(found, key=lambda reason: WHY_FILTERS.index(reason.kind), default=None)


def brief(reason: StepWhy, now: datetime) -> str:
    """The reason in the few words that a row of a list has room for; it may hold a handler's raw text."""
    name, data = reason.name, reason.data
    match reason.kind:
        case "failed":
            return f"{name} {data.get('message') or data.get('error_type') or 'failed'}"
        case "retry":
            left = _seconds(now, data.get("retry_at"))
            return f"{name} in {duration(left)}" if left > 0 else f"{name} is due"
        case "running" if data.get("since"):
            return f"{name} {duration(-_seconds(now, data.get('since')))}"
        case "no_worker":
            return f"no worker for {data.get('namespace')}"
        case "no_handler":
            return f"no handler {data.get('handler')}"
        case "paused":
            return "paused" if data.get("what") == "task" else f"paused: {data.get('what')}"
        case "queued":
            return f"{name} queued"
        case "batch_failed":
            return f"{name}: its batch failed"
        case "batch_limit":
            return f"{name} waits for its batch"
        case "engine":
            return f"{name} waits for an engine"
    return f"{name}: {reason.sentence}"


def _seconds(now: datetime, until: str | None) -> float:
    return (datetime.fromisoformat(until) - now).total_seconds() if until else 0.0
