"""What figures of the system mean: rates, a score, and what to do about them."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.wire.operations import SlowStepInfo, SlowTaskInfo, SystemHealthCounts

HIGH_ERROR_RATE = 0.1
SLOW_STEP_SECONDS = 30.0
LARGE_SHARE = 0.5
MANY_WAITING = 10
BUSY_POOL = 0.8


def share(part: float, whole: float) -> float:
    """A share from 0 to 1; 0 of nothing."""
    return part / whole if whole else 0.0


def recommend(
    steps: Sequence[SlowStepInfo],
    tasks: Sequence[SlowTaskInfo],
    counts: SystemHealthCounts,
    pool_utilization: float,
) -> list[str]:
    """What the figures ask for, in sentences; none where all is well."""
    return [*_about_steps(steps), *_about_tasks(steps, tasks), *_about_system(counts, pool_utilization)]


def _about_steps(steps: Sequence[SlowStepInfo]) -> list[str]:
    found = []
    for one in steps:
        place = f"step {one.step_name} of {one.namespace_name}/{one.task_name} {one.version}"
        if one.error_rate >= HIGH_ERROR_RATE:
            found.append(
                f"{place} fails in {one.error_rate:.0%} of its attempts "
                f"({one.error_count} of {one.execution_count}): look at its errors with `tasker failures`"
            )
        if one.average_duration_seconds >= SLOW_STEP_SECONDS:
            found.append(
                f"{place} takes {one.average_duration_seconds:.1f} s on average: "
                "split it, or run it as a batch"
            )
    return found


def _about_tasks(steps: Sequence[SlowStepInfo], tasks: Sequence[SlowTaskInfo]) -> list[str]:
    """Steps that make up most of their tasks' time."""
    found = []
    took = {(one.namespace_name, one.task_name, one.version): one.average_duration_seconds for one in tasks}
    for one in steps:
        whole = took.get((one.namespace_name, one.task_name, one.version), 0.0)
        part = share(one.average_duration_seconds, whole)
        if one.average_duration_seconds >= 1.0 and part >= LARGE_SHARE:
            found.append(
                f"step {one.step_name} is {min(part, 1.0):.0%} of the time of "
                f"{one.namespace_name}/{one.task_name} {one.version}: begin there to make it faster"
            )
    return found


def _about_system(counts: SystemHealthCounts, pool_utilization: float) -> list[str]:
    found = []
    if counts.blocked_by_failures_tasks:
        found.append(
            f"{counts.blocked_by_failures_tasks} tasks are blocked by failed steps: "
            "retry or resolve those steps, or cancel the tasks"
        )
    if counts.enqueued_steps >= MANY_WAITING and counts.enqueued_steps > counts.in_progress_steps:
        found.append(
            f"{counts.enqueued_steps} steps wait for a worker and {counts.in_progress_steps} run: "
            "start more workers, or give them more slots"
        )
    if pool_utilization >= BUSY_POOL:
        found.append(f"{pool_utilization:.0%} of the engine's database connections are in use: allow more")
    return found
