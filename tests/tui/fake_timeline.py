"""When the steps of the fake server's tasks waited and ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine.client.calls import Call
from engine.model.states import STEP_SATISFIES, StepState
from engine.model.timeline import KINDS
from engine.model.wire.reports import (
    CriticalStep,
    RunOutcome,
    SegmentKind,
    StepError,
    StepTimes,
    TaskSummary,
    Timeline,
    TimelineSegment,
    TimelineStep,
    TimelineWorker,
)
from tests.tui.fake_records import WORKER

if TYPE_CHECKING:
    from tests.tui.support import FakeStep, FakeTask, FakeTasker

PAUSE = 15.0
"""Seconds between the ends of two attempts, as in the audit."""
QUEUED = 0.4


def timeline_of(tasker: FakeTasker, call: Call[Any], uuid: str) -> Timeline:
    """All steps in one part."""
    task, now = tasker.tasks[uuid], tasker.clock.now()
    return Timeline(
        task_uuid=task.uuid, state=task.state, created_at=task.created_at, completed_at=task.completed_at,
        calculated_at=now, steps=[_step(task, step) for step in task.steps],
        workers=[TimelineWorker(worker_uuid=WORKER, name="packer")], next_after=None,
    )  # fmt: skip


def summary_of(tasker: FakeTasker, call: Call[Any], uuid: str) -> TaskSummary:
    """Most figures are left out; the critical path is that of the step which began last."""
    task, now = tasker.tasks[uuid], tasker.clock.now()
    last = max((step for step in task.steps if step.attempts), key=lambda step: step.started, default=None)
    path = []
    while last is not None:
        ended = None if last.state is StepState.IN_PROGRESS else _at(task, last.started + last.took)
        path.append(CriticalStep(
            step_uuid=task.step_uuid(last.name), step=last.name, state=last.state,
            began_at=_at(task, last.started), ended_at=ended, took_ms=0, running_ms=0,
        ))  # fmt: skip
        last = max((task.step(name) for name in last.parents), key=lambda step: step.started, default=None)
    return TaskSummary(
        task_uuid=task.uuid, namespace=task.namespace, template=task.name, version="1.0.0", state=task.state,
        created_at=task.created_at, completed_at=task.completed_at, calculated_at=now,
        total_steps=len(task.steps), steps=dict(Counter(step.state for step in task.steps)),
        completion_percentage=0, total_ms=0, waiting_ms=0,
        queued_ms=0, running_ms=0, engine_ms=0, retry_wait_ms=0, attempts=0, retries=0,
        critical_path=path[::-1], slowest_steps=[_times(task, step) for step in task.steps[:3]],
        errors=[_error(task, step) for step in task.steps if step.error], by_hand=[], pauses=[],
    )  # fmt: skip


def _times(task: FakeTask, step: FakeStep) -> StepTimes:
    return StepTimes(
        step_uuid=task.step_uuid(step.name), step=step.name, state=step.state, attempts=step.attempts,
        waiting_ms=0, queued_ms=0, running_ms=int(1000 * step.took), engine_ms=0, retry_wait_ms=0,
    )  # fmt: skip


def _error(task: FakeTask, step: FakeStep) -> StepError:
    told = step.error or {}
    return StepError(
        step_uuid=task.step_uuid(step.name), step=step.name, state=step.state, attempt=step.attempts,
        error_type=told.get("error_type"), message=told.get("message"), retryable=False,
        at=_at(task, step.started + step.took),
    )  # fmt: skip


def _step(task: FakeTask, step: FakeStep) -> TimelineStep:
    return TimelineStep(
        step_uuid=task.step_uuid(step.name), step=step.name, step_type="standard", state=step.state,
        segments=list(_segments(task, step)), earlier_attempts=0,
    )  # fmt: skip


def _segments(task: FakeTask, step: FakeStep) -> Iterator[TimelineSegment]:
    if not step.attempts:
        yield _segment("waiting", task.created_at, None)
        return
    goes_on = step.state is StepState.IN_PROGRESS
    last_end = step.started + step.took
    ends = [last_end - PAUSE * (step.attempts - 1 - n) for n in range(step.attempts)]
    first = ends[0] - step.took - QUEUED
    if first > 0:
        yield _segment("waiting", task.created_at, _at(task, first))
    before = max(0.0, first)
    for number, end in enumerate(ends):
        begin = end - step.took
        last = number == step.attempts - 1
        waits_from = max(before, begin - QUEUED)
        if waits_from > before:
            yield _segment("retry_wait", _at(task, before), _at(task, waits_from))
        yield _segment("queued", _at(task, waits_from), _at(task, max(waits_from, begin)))
        ok = last and step.state in STEP_SATISFIES
        outcome: RunOutcome | None = "succeeded" if ok else None if last and goes_on else "failed"
        stop = None if last and goes_on else _at(task, end)
        yield _segment("running", _at(task, max(waits_from, begin)), stop, number + 1, outcome)
        before = end
    kind = KINDS.get(step.state.value)
    if kind is not None and not goes_on:
        yield _segment(kind, _at(task, last_end), None)


def _at(task: FakeTask, seconds: float) -> datetime:
    return task.created_at + timedelta(seconds=seconds)


def _segment(
    kind: SegmentKind, start: datetime, end: datetime | None, attempt: int | None = None,
    outcome: RunOutcome | None = None,
) -> TimelineSegment:  # fmt: skip
    worker = WORKER if kind == "running" else None
    return TimelineSegment(
        kind=kind, start=start, end=end, attempt=attempt, worker_uuid=worker, outcome=outcome
    )  # fmt: skip
