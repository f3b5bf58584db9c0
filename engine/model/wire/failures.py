"""Failures in groups, as the REST API answers them."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from engine.model.wire.base import Timestamp, WireModel

TREND_BUCKETS = 12


class FailurePlace(WireModel):
    """A step of a template that failed this way, and how many of its runs are in error."""

    namespace: str
    template: str
    step: str
    failed_steps: int


class FailureSample(WireModel):
    """The newest failure of a group."""

    task_uuid: UUID
    step_uuid: UUID
    step: str
    message: str | None


class FailureGroup(WireModel):
    """Failed steps with one signature: error type and message without ids, numbers and quoted values.

    `trend` is how many of them failed in each five minutes of the last hour, the oldest first.
    """

    signature: str
    error_type: str | None
    failed_steps: int
    failed_tasks: int
    first_seen: Timestamp
    last_seen: Timestamp
    trend: list[int] = Field(default_factory=lambda: [0] * TREND_BUCKETS)
    places: list[FailurePlace]
    sample: FailureSample


class FailureList(WireModel):
    """The groups, the largest first. Tasks that have ended are not counted: nothing is left to do there."""

    groups: list[FailureGroup]
