"""How a step stands, as one comparable row (reference 3, get_step_readiness_status)."""

from __future__ import annotations

from typing import Any, NamedTuple


class Row(NamedTuple):
    """What decides whether a step can run."""

    current_state: str
    attempts: int
    max_attempts: int
    total_parents: int
    completed_parents: int
    dependencies_satisfied: bool
    retry_eligible: bool
    ready_for_execution: bool


def row_of(step: dict[str, Any]) -> Row:
    """The row of a StepResponse or a StepReadinessStatus."""
    return Row(*(step[field] for field in Row._fields))


def done(parents: int, *, attempts: int = 1, of: int = 3) -> Row:
    """A step that succeeded at attempt number `attempts`; one that used all `of` them up has none left."""
    return Row("complete", attempts, of, parents, parents, True, attempts < of, False)


def failed(parents: int, *, attempts: int = 1, of: int = 3) -> Row:
    """A step in error. `retry_eligible` is about the attempts that are left, whatever the handler said."""
    return Row("error", attempts, of, parents, parents, True, attempts < of, False)


def waiting(parents: int, *, have: int = 0, of: int = 3) -> Row:
    """A step that never ran, since only `have` of its parents are done."""
    return Row("pending", 0, of, parents, have, False, True, False)


def retrying(parents: int, *, attempts: int, of: int = 3) -> Row:
    """A step that failed and waits for its next attempt."""
    return Row("waiting_for_retry", attempts, of, parents, parents, True, True, False)
