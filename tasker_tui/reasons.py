"""The server's reasons for where unfinished steps are: which are still true, which tells the most."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tasker_tui.view_models import StepRow

if TYPE_CHECKING:
    from engine.model.wire.details import StepWhy

TOLD_ELSEWHERE = ("failed", "retry")
"""Kinds of which a step's title and error say all: a sentence would stand still while the title counts."""
TIMED = ("running", *TOLD_ELSEWHERE)
"""Kinds of which the title of a step tells how long."""
TELLING = (
    "failed",
    "no_worker",
    "no_handler",
    "paused",
    "batch_failed",
    "retry",
    "queued",
    "batch_limit",
    "engine",
    "running",
)
"""Kinds, the most telling first. Steps that wait for others say nothing of their own about a task."""


def still_true(reason: StepWhy | None, step: StepRow) -> bool:
    """Whether the step is where it was when the server gave the reason."""
    return reason is not None and reason.state == step.state.value


def most_telling(reasons: Iterable[StepWhy]) -> StepWhy | None:
    """The reason that says the most about why the task is not done, None without one."""
    found = [reason for reason in reasons if reason.kind in TELLING]
    return min(found, key=lambda reason: TELLING.index(reason.kind), default=None)
