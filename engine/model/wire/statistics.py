"""Counters over time as the REST API answers them. Durations are in ms."""

from __future__ import annotations

from engine.model.states import TaskState
from engine.model.wire.base import Timestamp, WireModel


class DurationFigures(WireModel):
    """Of `items` durations the mean and percentiles; those are good to the width of a histogram's bucket."""

    items: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Counts(WireModel):
    """What happened. A task failed when it came to rest blocked by failures, or ended in error; it may go on
    later. A step is retried when an attempt of it failed and it waits for the next one."""

    tasks_created: int
    tasks_completed: int
    tasks_failed: int
    tasks_cancelled: int
    steps_completed: int
    steps_failed: int
    steps_retried: int


class StatisticsBucket(Counts):
    """From `at` on: the counts, and how long tasks took that were completed and attempts that ended in it."""

    at: Timestamp
    task_durations: DurationFigures | None
    attempt_durations: DurationFigures | None


class Backlog(WireModel):
    """What there is to do now: tasks that have not ended (`task_states`: in each state that occurs), those of
    them that are blocked by failures, and steps on their way. `oldest_ready_seconds` is not known of a single
    template."""

    open_tasks: int
    task_states: dict[TaskState, int]
    blocked_tasks: int
    ready_steps: int
    running_steps: int
    retrying_steps: int
    failed_steps: int
    oldest_ready_seconds: float | None


class Statistics(WireModel):
    """Every bucket from `start` to before `end`, also if nothing happened in it; `total` is all of them."""

    start: Timestamp
    end: Timestamp
    bucket_seconds: int
    total: StatisticsBucket
    buckets: list[StatisticsBucket]
    backlog: Backlog


class TemplateFigures(WireModel):
    """How the tasks of one template's version did in a time; a task failed as `Counts` says. Its last task
    was created at `last_created_at`, to the minute, of older ones to the hour; null if none is known."""

    namespace: str
    name: str
    version: str
    tasks_created: int
    tasks_completed: int
    tasks_failed: int
    task_durations: DurationFigures | None
    last_created_at: Timestamp | None


class TemplateStatistics(WireModel):
    """Every registered version of every template by namespace, name and version."""

    start: Timestamp
    end: Timestamp
    templates: list[TemplateFigures]
