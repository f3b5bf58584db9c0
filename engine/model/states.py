"""States of tasks and steps, and every transition that is allowed between them (reference 2.1 to 2.3).

The two tables are the only declaration on the Python side; the database holds the same pairs and refuses
all others. They are what the reference promises, with an operator's way back added: a blocked or failed
task goes on by itself once its step was reset, resolved or completed by hand (reference 8.4, 11.1 row 2),
and a done one once an operator runs its steps again.
"""

from __future__ import annotations

from enum import StrEnum


class TaskState(StrEnum):
    """The twelve states of a task (reference 2.1)."""

    PENDING = "pending"
    INITIALIZING = "initializing"
    ENQUEUING_STEPS = "enqueuing_steps"
    STEPS_IN_PROCESS = "steps_in_process"
    EVALUATING_RESULTS = "evaluating_results"
    WAITING_FOR_DEPENDENCIES = "waiting_for_dependencies"
    WAITING_FOR_RETRY = "waiting_for_retry"
    BLOCKED_BY_FAILURES = "blocked_by_failures"
    COMPLETE = "complete"
    ERROR = "error"
    CANCELLED = "cancelled"
    RESOLVED_MANUALLY = "resolved_manually"


class StepState(StrEnum):
    """The ten states of a step (reference 2.3)."""

    PENDING = "pending"
    ENQUEUED = "enqueued"
    IN_PROGRESS = "in_progress"
    ENQUEUED_FOR_ORCHESTRATION = "enqueued_for_orchestration"
    ENQUEUED_AS_ERROR_FOR_ORCHESTRATION = "enqueued_as_error_for_orchestration"
    WAITING_FOR_RETRY = "waiting_for_retry"
    COMPLETE = "complete"
    ERROR = "error"
    CANCELLED = "cancelled"
    RESOLVED_MANUALLY = "resolved_manually"


TASK_TERMINAL: frozenset[TaskState] = frozenset(
    {TaskState.COMPLETE, TaskState.ERROR, TaskState.CANCELLED, TaskState.RESOLVED_MANUALLY}
)
"""Nothing runs any more. All but `cancelled` can be left, and only by an operator."""

STEP_TERMINAL: frozenset[StepState] = frozenset(
    {StepState.COMPLETE, StepState.CANCELLED, StepState.RESOLVED_MANUALLY}
)
"""Left by an operator's retry alone, `cancelled` never. `error` is not among them: it waits for an operator,
and holds the steps below it."""

STEP_SATISFIES: frozenset[StepState] = frozenset({StepState.COMPLETE, StepState.RESOLVED_MANUALLY})
"""States of a parent that let its children run."""


def _task_transitions() -> frozenset[tuple[TaskState, TaskState]]:
    s = TaskState
    ways: dict[TaskState, tuple[TaskState, ...]] = {
        s.PENDING: (s.INITIALIZING,),
        s.INITIALIZING: (s.ENQUEUING_STEPS, s.COMPLETE, s.WAITING_FOR_DEPENDENCIES),
        s.ENQUEUING_STEPS: (s.STEPS_IN_PROCESS, s.ERROR),
        s.STEPS_IN_PROCESS: (s.EVALUATING_RESULTS, s.WAITING_FOR_RETRY, s.COMPLETE, s.ERROR),
        s.EVALUATING_RESULTS: (
            s.COMPLETE,
            s.ENQUEUING_STEPS,
            s.WAITING_FOR_DEPENDENCIES,
            s.WAITING_FOR_RETRY,
            s.BLOCKED_BY_FAILURES,
            s.RESOLVED_MANUALLY,
        ),
        s.WAITING_FOR_DEPENDENCIES: (
            s.EVALUATING_RESULTS,
            s.ENQUEUING_STEPS,
            s.WAITING_FOR_RETRY,
            s.ERROR,
        ),
        s.WAITING_FOR_RETRY: (s.ENQUEUING_STEPS, s.EVALUATING_RESULTS, s.ERROR),
        s.BLOCKED_BY_FAILURES: (
            s.ERROR,
            s.RESOLVED_MANUALLY,
            s.ENQUEUING_STEPS,
            s.WAITING_FOR_RETRY,
            s.EVALUATING_RESULTS,
        ),
        s.ERROR: (s.PENDING, s.ENQUEUING_STEPS, s.RESOLVED_MANUALLY),
        s.COMPLETE: (s.PENDING,),
        s.RESOLVED_MANUALLY: (s.PENDING,),
    }
    pairs = {(start, end) for start, ends in ways.items() for end in ends}
    pairs |= {(state, s.CANCELLED) for state in s if state not in TASK_TERMINAL}
    return frozenset(pairs)


def _step_transitions() -> frozenset[tuple[StepState, StepState]]:
    s = StepState
    ways: dict[StepState, tuple[StepState, ...]] = {
        s.PENDING: (s.ENQUEUED, s.IN_PROGRESS, s.WAITING_FOR_RETRY, s.ERROR),
        s.ENQUEUED: (s.IN_PROGRESS, s.WAITING_FOR_RETRY, s.ERROR),
        s.IN_PROGRESS: (
            s.ENQUEUED_FOR_ORCHESTRATION,
            s.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION,
            s.WAITING_FOR_RETRY,
            s.ERROR,
        ),
        s.ENQUEUED_FOR_ORCHESTRATION: (s.COMPLETE, s.ERROR, s.WAITING_FOR_RETRY),
        s.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION: (s.WAITING_FOR_RETRY, s.ERROR, s.COMPLETE),
        s.WAITING_FOR_RETRY: (s.PENDING,),
        s.ERROR: (s.PENDING,),
        s.COMPLETE: (s.PENDING,),
        s.RESOLVED_MANUALLY: (s.PENDING,),
    }
    by_operator = (s.COMPLETE, s.RESOLVED_MANUALLY, s.CANCELLED)
    pairs = {(start, end) for start, ends in ways.items() for end in ends}
    pairs |= {(state, end) for state in s if state not in STEP_TERMINAL for end in by_operator}
    return frozenset(pairs)


TASK_TRANSITIONS: frozenset[tuple[TaskState, TaskState]] = _task_transitions()
"""Every allowed (from, to) of a task: reference 2.2, plus the ways on for an operator's actions."""

STEP_TRANSITIONS: frozenset[tuple[StepState, StepState]] = _step_transitions()
"""Every allowed (from, to) of a step: reference 2.3."""
