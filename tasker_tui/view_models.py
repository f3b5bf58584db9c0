"""What the screens show of tasks and steps: small immutable values made from the API's answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.model.states import TASK_TERMINAL, StepState, TaskState
from engine.model.wire.tasks import TaskResponse
from tasker_tui.states import FAILING_TASKS, STEP_MARKS, TASK_MARKS, Mark

if TYPE_CHECKING:
    from engine.model.wire.details import StepDetail, StepEdit
    from engine.model.wire.events import SummaryRow, TransitionChange


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task in a list. `tags` and `initiator` are None when the row came from the event stream alone."""

    uuid: str
    name: str
    namespace: str
    version: str
    state: TaskState
    priority: int
    total: int
    completed: int
    failed: int
    running: int
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    tags: tuple[str, ...] | None = None
    initiator: str | None = None

    @classmethod
    def from_answer(cls, task: TaskResponse | SummaryRow) -> TaskRow:
        """A row from an answer or from an event of the stream."""
        return cls(
            uuid=str(task.task_uuid),
            name=task.name,
            namespace=task.namespace,
            version=task.version,
            state=task.status,
            priority=task.priority or 0,
            total=task.total_steps,
            completed=task.completed_steps,
            failed=task.failed_steps,
            running=task.in_progress_steps,
            created_at=task.created_at,
            updated_at=task.updated_at,
            completed_at=task.completed_at,
            tags=tuple(task.tags or ()) if isinstance(task, TaskResponse) else None,
            initiator=task.initiator if isinstance(task, TaskResponse) else None,
        )

    @property
    def mark(self) -> Mark:
        """How the state looks."""
        return TASK_MARKS[self.state]

    @property
    def finished(self) -> bool:
        """Whether nothing of the task runs any more."""
        return self.state in TASK_TERMINAL

    @property
    def failing(self) -> bool:
        """Whether the task needs an operator."""
        return self.state in FAILING_TASKS

    def moves_on(self, now: datetime) -> bool:
        """Whether its age or duration may be written differently than a second ago."""
        goes_on = not self.finished and not self.failing
        return goes_on or now.second == 0 or (now - self.created_at).total_seconds() < 62

    def seconds(self, now: datetime) -> float:
        """How long the task has taken until its end, until it came to a failure, or until now."""
        until = self.completed_at or (self.updated_at if self.failing else now)
        return (until - self.created_at).total_seconds()

    def with_details_of(self, older: TaskRow) -> TaskRow:
        """This row with what only the list knows taken from an older row of the same task."""
        return replace(self, tags=older.tags, initiator=older.initiator) if self.tags is None else self


@dataclass(frozen=True, slots=True)
class StepError:
    """Why an attempt failed; `retryable` is the handler's verdict, None if it gave none."""

    message: str
    error_type: str | None
    retryable: bool | None
    backtrace: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of a task."""

    uuid: str
    name: str
    state: StepState
    attempts: int
    max_attempts: int
    parents: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    last_attempted_at: datetime | None
    next_retry_at: datetime | None
    handler: str
    timeout_seconds: int | None
    worker: str | None
    settings: Any
    """What the template gives the handler (`initialization`), empty if nothing."""
    inputs: dict[str, Any]
    """The step's own inputs: what was edited of the context for it, and a batch's share."""
    edit: StepEdit | None
    """The last edit of the inputs."""
    result: Any
    """The handler's own data, None without any."""
    error: StepError | None
    """Why the last stored attempt failed."""

    @classmethod
    def from_answer(cls, step: StepDetail) -> StepRow:
        """A row from an answer."""
        return cls(
            uuid=str(step.step_uuid),
            name=step.name,
            state=step.current_state,
            attempts=step.attempts,
            max_attempts=step.max_attempts,
            parents=tuple(str(parent) for parent in step.parents),
            created_at=step.created_at,
            updated_at=step.updated_at,
            completed_at=step.completed_at,
            last_attempted_at=step.last_attempted_at,
            next_retry_at=step.next_retry_at,
            handler=step.handler,
            timeout_seconds=step.timeout_seconds,
            worker=str(step.worker_uuid) if step.worker_uuid else None,
            settings=step.initialization,
            inputs=step.inputs or {},
            edit=next((edit for edit in reversed(step.edits) if edit.new_inputs is not None), None),
            result=step.results.get("result") if isinstance(step.results, dict) else None,
            error=step_error(step.last_error),
        )

    @property
    def mark(self) -> Mark:
        """How the state looks."""
        return STEP_MARKS[self.state]

    def after(self, change: TransitionChange) -> StepRow:
        """The step as a row of the transition log leaves it; the rest is loaded again."""
        return replace(
            self,
            state=StepState(change.to_state),
            attempts=self.attempts if change.attempt is None else change.attempt,
            updated_at=change.at,
        )


def step_error(found: Any) -> StepError | None:
    """The `error` of a stored execution result (reference 7.1) as a value, None if there is none."""
    if not found:
        return None
    if not isinstance(found, dict):
        return StepError(str(found), None, None, ())
    trace = found.get("backtrace") or ()
    return StepError(
        message=str(found.get("message") or "failed without a message"),
        error_type=found.get("error_type"),
        retryable=found.get("retryable"),
        backtrace=tuple(trace.splitlines() if isinstance(trace, str) else map(str, trace)),
    )
