"""How a task stands, derived from its steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.readiness import count_steps, ready_for_execution, retry_eligible
from engine.model.states import STEP_SATISFIES, StepState

NOW = datetime(2026, 1, 31, tzinfo=UTC)

RUNNABLE = ("pending", "enqueued", "waiting_for_retry")
STEPS = st.lists(
    st.tuples(st.sampled_from(list(StepState)), st.booleans()).map(
        lambda one: (one[0], one[1] and one[0] in RUNNABLE)
    ),
    max_size=12,
)


@given(STEPS)
def test_blocked_means_that_a_step_failed_and_nothing_else_can_run(steps):
    counts = count_steps(steps)
    states = [state for state, _ in steps]
    can_run = any(ready for _, ready in steps) or any(
        state in (
            StepState.IN_PROGRESS, StepState.WAITING_FOR_RETRY, StepState.ENQUEUED_FOR_ORCHESTRATION,
            StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION,
        )
        for state in states
    )  # fmt: skip
    blocked = StepState.ERROR in states and not can_run
    assert (counts.execution_status == "blocked_by_failures") == blocked
    assert (counts.health_status == "blocked") == blocked


@given(STEPS)
def test_all_complete_means_that_every_step_is_satisfied(steps):
    counts = count_steps(steps)
    complete = bool(steps) and all(state in STEP_SATISFIES for state, _ in steps)
    assert (counts.execution_status == "all_complete") == complete
    assert (counts.completion_percentage == 100.0) == complete
    assert 0 <= counts.completion_percentage <= 100


@pytest.mark.parametrize(
    ("attempts", "most", "retryable", "expected"),
    [
        (0, 0, True, True), (1, 0, True, False), (0, 1, True, True), (1, 1, True, False), (2, 3, True, True),
        (3, 3, True, False), (0, 3, False, True), (1, 3, False, False),
    ],
)  # fmt: skip
def test_the_boundaries_of_attempts(attempts, most, retryable, expected):
    assert retry_eligible(attempts, most, retryable) is expected


@pytest.mark.parametrize("state", RUNNABLE)
def test_ready_needs_satisfied_parents_and_the_time_of_the_retry(state):
    assert ready_for_execution(state, 0, None, NOW)
    assert ready_for_execution(state, 0, NOW, NOW)
    assert not ready_for_execution(state, 1, None, NOW)
    assert not ready_for_execution(state, 0, NOW + timedelta(seconds=1), NOW)


@pytest.mark.parametrize("state", sorted(set(StepState) - set(RUNNABLE)))
def test_what_runs_or_has_ended_is_not_ready(state):
    assert not ready_for_execution(state, 0, None, NOW)
