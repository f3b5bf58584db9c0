"""Failures in groups, as the REST API answers them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from engine.model.wire.base import RequestModel, Timestamp, WireModel
from engine.model.wire.fields import NO_NUL, Name, Text255


class TriageState(StrEnum):
    """How far operators are with a group."""

    NEW = "new"
    TRIAGED = "triaged"
    FIXING = "fixing"
    FIXED = "fixed"
    IGNORED = "ignored"


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


class FailureNote(WireModel):
    """What somebody found out about a group."""

    note: str
    noted_by: str
    noted_at: Timestamp


class FailureTriage(WireModel):
    """What operators have made of a group. It is kept when the group empties, for when it comes back.

    `notes` are the newest 20, newest first; `changed_by` and `changed_at` are of the last change of all.
    """

    state: TriageState = TriageState.NEW
    owner: str | None = None
    changed_by: str | None = None
    changed_at: Timestamp | None = None
    notes: list[FailureNote] = Field(default_factory=list)


class TriageRequest(RequestModel):
    """Body of `PATCH /v1/failures`: what is left out stays as it is; `owner` null makes it nobody's."""

    signature: Annotated[str, Field(min_length=1, max_length=1_000, pattern=NO_NUL)]
    state: TriageState | None = None
    owner: Name | None = None
    note: Annotated[str, Field(min_length=1, max_length=2_000, pattern=NO_NUL)] | None = None
    actor: Text255 = "api"

    @model_validator(mode="after")
    def _changes_something(self) -> TriageRequest:
        if self.state is None and self.note is None and "owner" not in self.model_fields_set:
            raise ValueError("nothing to change: give a state, an owner or a note")
        return self


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
    triage: FailureTriage = Field(default_factory=FailureTriage)


class FailureList(WireModel):
    """The groups, the largest first. Tasks that have ended are not counted: nothing is left to do there."""

    groups: list[FailureGroup]
