from collections.abc import Iterable

import pytest

from engine.model.states import (
    STEP_SATISFIES,
    STEP_TERMINAL,
    STEP_TRANSITIONS,
    TASK_TERMINAL,
    TASK_TRANSITIONS,
    StepState,
    TaskState,
)


def reachable(start: str, pairs: Iterable[tuple[str, str]]) -> set[str]:
    seen, todo = {start}, [start]
    while todo:
        state = todo.pop()
        new = {end for begin, end in pairs if begin == state} - seen
        seen |= new
        todo += new
    return seen


def ways_out(state: str, pairs: Iterable[tuple[str, str]]) -> set[str]:
    return {end for begin, end in pairs if begin == state}


def test_names_are_those_of_the_reference():
    assert {s.value for s in TaskState} == {
        "pending", "initializing", "enqueuing_steps", "steps_in_process", "evaluating_results",
        "waiting_for_dependencies", "waiting_for_retry", "blocked_by_failures",
        "complete", "error", "cancelled", "resolved_manually",
    }  # fmt: skip
    assert {s.value for s in StepState} == {
        "pending", "enqueued", "in_progress", "enqueued_for_orchestration",
        "enqueued_as_error_for_orchestration", "waiting_for_retry",
        "complete", "error", "cancelled", "resolved_manually",
    }  # fmt: skip


def test_every_state_is_reached_from_pending():
    assert reachable(TaskState.PENDING, TASK_TRANSITIONS) == set(TaskState)
    assert reachable(StepState.PENDING, STEP_TRANSITIONS) == set(StepState)


@pytest.mark.parametrize("pairs", [TASK_TRANSITIONS, STEP_TRANSITIONS], ids=["task", "step"])
def test_no_state_leads_to_itself(pairs):
    assert not [pair for pair in pairs if pair[0] == pair[1]]


def test_an_operator_can_run_a_task_again_that_was_not_cancelled():
    assert ways_out(TaskState.CANCELLED, TASK_TRANSITIONS) == set()
    assert ways_out(TaskState.ERROR, TASK_TRANSITIONS) == {
        TaskState.PENDING, TaskState.ENQUEUING_STEPS, TaskState.RESOLVED_MANUALLY,
    }  # fmt: skip
    for state in (TaskState.COMPLETE, TaskState.RESOLVED_MANUALLY):
        assert ways_out(state, TASK_TRANSITIONS) == {TaskState.PENDING}


def test_an_operator_can_run_a_step_again_that_was_not_cancelled():
    assert ways_out(StepState.CANCELLED, STEP_TRANSITIONS) == set()
    for state in STEP_SATISFIES:
        assert ways_out(state, STEP_TRANSITIONS) == {StepState.PENDING}
    assert StepState.ERROR not in STEP_TERMINAL
    assert ways_out(StepState.ERROR, STEP_TRANSITIONS) == {
        StepState.PENDING, StepState.COMPLETE, StepState.RESOLVED_MANUALLY, StepState.CANCELLED,
    }  # fmt: skip


def test_every_unfinished_task_can_be_cancelled_and_can_end_by_itself():
    for state in set(TaskState) - TASK_TERMINAL:
        assert (state, TaskState.CANCELLED) in TASK_TRANSITIONS
        assert TaskState.COMPLETE in reachable(state, TASK_TRANSITIONS)


def test_an_operator_can_finish_every_unfinished_step():
    for state in set(StepState) - STEP_TERMINAL:
        ends = ways_out(state, STEP_TRANSITIONS)
        assert {StepState.COMPLETE, StepState.RESOLVED_MANUALLY, StepState.CANCELLED} <= ends


def test_satisfying_states_are_terminal():
    assert {StepState.COMPLETE, StepState.RESOLVED_MANUALLY} == STEP_SATISFIES
    assert STEP_SATISFIES < STEP_TERMINAL


def test_failed_and_blocked_tasks_go_on_after_an_operator_acted():
    for state in (TaskState.BLOCKED_BY_FAILURES, TaskState.ERROR):
        assert (state, TaskState.ENQUEUING_STEPS) in TASK_TRANSITIONS
    assert (TaskState.COMPLETE, TaskState.ENQUEUING_STEPS) not in TASK_TRANSITIONS


def test_a_queued_step_is_not_silently_put_back():
    assert (StepState.ENQUEUED, StepState.PENDING) not in STEP_TRANSITIONS
