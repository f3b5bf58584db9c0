"""What is derived from the states of a task's steps: who can run, and how the task stands (reference 2.4, 3).

The reference calls a task blocked as soon as one step has failed for good, which stops clients that poll
while other branches still run. Here `blocked_by_failures` means that nothing more can run, as the state of
that name does; before, the first rule that fits a running task answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from engine.model.states import STEP_SATISFIES, StepState
from engine.model.wire.tasks import ExecutionStatus, RecommendedAction, TaskHealth

RUNNABLE = frozenset({StepState.PENDING, StepState.ENQUEUED, StepState.WAITING_FOR_RETRY})
RUNNING = frozenset(
    {
        StepState.IN_PROGRESS,
        StepState.ENQUEUED_FOR_ORCHESTRATION,
        StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION,
    }
)


def retry_eligible(attempts: int, max_attempts: int, retryable: bool) -> bool:
    """Whether a step may be attempted (again): the first attempt always, whatever its policy says."""
    return attempts == 0 or (retryable and attempts < max_attempts)


def ready_for_execution(state: str, remaining_parents: int, retry_at: datetime | None, now: datetime) -> bool:
    """Whether a step could be claimed: its parents are satisfied, and the time of its retry has come."""
    return state in RUNNABLE and remaining_parents == 0 and (retry_at is None or retry_at <= now)


@dataclass(frozen=True, slots=True)
class StepCounts:
    """How many steps of a task are in which condition.

    `running` are those that a worker has or whose result waits for an engine; `ready` those that could be
    claimed; `retrying` those that wait for their backoff.
    """

    total: int
    pending: int
    running: int
    completed: int
    failed: int
    ready: int
    retrying: int

    @property
    def blocked(self) -> bool:
        """A step has failed for good, and nothing else can run."""
        return self.failed > 0 and not (self.running or self.ready or self.retrying)

    @property
    def execution_status(self) -> ExecutionStatus:
        """The first rule of reference 2.4 that fits."""
        if self.blocked:
            return "blocked_by_failures"
        if self.ready:
            return "has_ready_steps"
        if self.running:
            return "processing"
        if self.completed == self.total > 0:
            return "all_complete"
        return "waiting_for_dependencies"

    @property
    def recommended_action(self) -> RecommendedAction:
        """What goes with the execution status."""
        actions: dict[ExecutionStatus, RecommendedAction] = {
            "blocked_by_failures": "handle_failures",
            "has_ready_steps": "execute_ready_steps",
            "processing": "wait_for_completion",
            "all_complete": "finalize_task",
            "waiting_for_dependencies": "wait_for_dependencies",
        }
        return actions[self.execution_status]

    @property
    def completion_percentage(self) -> float:
        """0 to 100, two decimals."""
        return round(100 * self.completed / self.total, 2) if self.total else 0.0

    @property
    def health_status(self) -> TaskHealth:
        """`recovering` while other steps go on beside one that failed."""
        if self.blocked:
            return "blocked"
        return "recovering" if self.failed else "healthy"


def count_steps(steps: Iterable[tuple[str, bool]]) -> StepCounts:
    """Count (state, ready_for_execution) pairs."""
    states, ready = [], 0
    for state, is_ready in steps:
        states.append(state)
        ready += is_ready
    return StepCounts(
        total=len(states),
        pending=states.count(StepState.PENDING),
        running=sum(state in RUNNING for state in states),
        completed=sum(state in STEP_SATISFIES for state in states),
        failed=states.count(StepState.ERROR),
        ready=ready,
        retrying=states.count(StepState.WAITING_FOR_RETRY),
    )
