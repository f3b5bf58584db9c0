"""Operators' verbs on many tasks as the REST API reads and answers them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from engine.model.bulk import BulkState as BulkState
from engine.model.bulk import BulkVerb as BulkVerb
from engine.model.states import StepState, TaskState
from engine.model.wire.base import NaiveIsUtc, RequestModel, Timestamp, WireModel
from engine.model.wire.fields import NO_NUL, Name, Reason, Text255, Version

MAX_NAMED = 10_000
"""Task ids that a filter may name."""


MAX_SIGNATURES = 500
Signature = Annotated[str, Field(min_length=1, max_length=1_000, pattern=NO_NUL)]


class BulkFilter(RequestModel):
    """Which tasks; all that is given must fit. What is said of steps must fit one step, for verbs that act on
    steps the step itself.

    `template` is a name, with or without `version`; `states` are states of tasks, `step_states` of steps;
    `step` is a step's name, as in the template or as of one worker of a batch; `signature` is that of
    `GET /v1/failures`, `signatures` are several of them, any of which may fit. Windows include `since` and
    exclude `until`; `failed_` is a step's last failure.
    `task_uuids` names tasks one by one.
    """

    namespace: Name | None = None
    template: Name | None = None
    version: Version | None = None
    states: list[TaskState] = Field(default_factory=list)
    step_states: list[StepState] = Field(default_factory=list)
    step: Name | None = None
    signature: Signature | None = None
    signatures: Annotated[list[Signature], Field(max_length=MAX_SIGNATURES)] = Field(default_factory=list)
    correlation_id: UUID | None = None
    parent_correlation_id: UUID | None = None
    created_since: NaiveIsUtc | None = None
    created_until: NaiveIsUtc | None = None
    updated_since: NaiveIsUtc | None = None
    updated_until: NaiveIsUtc | None = None
    failed_since: NaiveIsUtc | None = None
    failed_until: NaiveIsUtc | None = None
    task_uuids: Annotated[list[UUID], Field(max_length=MAX_NAMED)] = Field(default_factory=list)

    @property
    def all_signatures(self) -> list[str]:
        """Those given in either way; empty for any."""
        return [*self.signatures, *([self.signature] if self.signature else [])]

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if not any(getattr(self, name) for name in type(self).model_fields):
            raise PydanticCustomError(
                "empty", "is empty, and would select everything", {"hint": "name a namespace, for one"}
            )
        return self


class BulkPreviewRequest(RequestModel):
    """Body of `POST /v1/bulk/preview`. `result` is what steps get that are skipped or completed."""

    verb: BulkVerb
    filter: BulkFilter
    result: Any = None

    @model_validator(mode="after")
    def _has_its_result(self) -> Self:
        if self.verb is BulkVerb.COMPLETE and self.result is None:
            raise PydanticCustomError(
                "no_result", "complete needs the `result` that the steps get", {"hint": "or skip them"}
            )
        if self.result is not None and not self.verb.takes_result:
            raise PydanticCustomError("result", "only steps that are skipped or completed get a `result`", {})
        return self


class BulkRunRequest(RequestModel):
    """Body of `POST /v1/bulk/{bulk_uuid}/run`. `rate` is items a second, null as fast as it goes; `dry_run`
    says whether it would begin, and begins nothing."""

    rate: Annotated[float, Field(gt=0, le=100_000)] | None = None
    reason: Reason = "bulk operation"
    actor: Text255 = "api"
    dry_run: bool = False


class BulkChangeRequest(RequestModel):
    """Body of stop and resume; `dry_run` says what would change, and changes nothing."""

    reason: Reason = "changed by an operator"
    actor: Text255 = "api"
    dry_run: bool = False


class BulkStateCount(WireModel):
    """How many of the selected tasks are in a state."""

    state: str
    tasks: int


class BulkPlace(WireModel):
    """How many items there are of a template, or of one step of it (`step` and its state, null for tasks)."""

    namespace: str
    template: str
    version: str
    step: str | None
    state: str | None
    items: int


class BulkRuns(WireModel):
    """Steps that workers get at once because of the verb.

    `idempotent` is what `handler.initialization.idempotent` of the template says, null where it says
    nothing. `unknown_outcome` counts those of which an attempt was lost with its worker or timed out: what it
    did may be done again.
    """

    namespace: str
    template: str
    version: str
    step: str
    steps: int
    idempotent: bool | None
    unknown_outcome: int


class BulkSample(WireModel):
    """One of the first items; `message` is the error of its step."""

    task_uuid: UUID
    step_uuid: UUID | None
    step: str | None
    state: str
    message: str | None


class BulkPreview(WireModel):
    """What was selected, and what the verb would do to it.

    `steps` are the selected steps, for verbs that act on tasks all of their steps; `running` of these are
    with a worker now. `left_out` tasks were named and can't be acted on. `will_run` is empty for verbs that
    send nothing to workers, and counted for the first 50,000 items alone. At most 1,000 lines of each are
    told.
    """

    tasks: int
    steps: int
    running: int
    left_out: int
    task_states: list[BulkStateCount]
    places: list[BulkPlace]
    will_run: list[BulkRuns]
    sample: list[BulkSample]


class BulkOperation(WireModel):
    """A verb on a frozen selection of `items`; `bulk_uuid` is the token that runs it.

    `items_per_second` is measured since it last began or went on, `eta_seconds` is null where nothing runs.
    """

    bulk_uuid: UUID
    verb: BulkVerb
    filter: dict[str, Any]
    state: BulkState
    items: int
    done: int
    skipped: int
    failed: int
    remaining: int
    rate: float | None
    items_per_second: float | None
    eta_seconds: float | None
    actor: str | None
    reason: str | None
    created_at: Timestamp
    expires_at: Timestamp
    started_at: Timestamp | None
    stopped_at: Timestamp | None
    stopped_by: str | None
    stop_reason: str | None
    finished_at: Timestamp | None


class BulkDetail(BulkOperation):
    """A bulk operation with the preview that its selection had."""

    preview: BulkPreview


class BulkAnswer(WireModel):
    """`changed` is false where it was so already, and after a dry run says what a real one would change."""

    changed: bool
    dry_run: bool
    operation: BulkOperation


class BulkList(WireModel):
    """Bulk operations, the newest first."""

    operations: list[BulkOperation]


class BulkOutcome(StrEnum):
    """What became of an item. Skipped: it was no longer in the state that the verb acts on."""

    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


class BulkItem(WireModel):
    """One item of a bulk operation; `message` says why it was skipped or failed."""

    number: int
    task_uuid: UUID
    step_uuid: UUID | None
    outcome: BulkOutcome
    message: str | None
    finished_at: Timestamp | None


class BulkItemPage(WireModel):
    """Items in their order; `next_after` is where the next page begins, null at the end."""

    items: list[BulkItem]
    next_after: int | None
