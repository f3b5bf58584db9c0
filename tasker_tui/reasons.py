"""The server's reasons for where unfinished steps are: which are still true, which tells the most."""

from __future__ import annotations

from collections.abc import Iterable

from engine.model.whys import WHY_FILTERS
from engine.model.wire.details import StepWhy
from tasker_tui.view_models import StepRow

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
