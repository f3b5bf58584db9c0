"""Retrying steps and tasks, with other inputs too, and forking tasks, as the REST API reads and answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from engine.model.wire.base import RequestModel, Timestamp, WireModel
from engine.model.wire.fields import Name, Reason, Text255

StepNames = Annotated[list[Name], Field(max_length=10_000)]
"""Names or uuids of steps of one task."""

RerunEffect = Literal["enqueued", "pending", "superseded"]
"""What becomes of a step: it can be claimed at once; it waits for its parents; it is taken away, since the
decision or the analyzer that created it runs again and creates its steps anew."""


class RetryRequest(RequestModel):
    """Body of `POST /v1/tasks/{task}/retry`.

    Without `steps` those that failed are retried, with `whole_task` all. `downstream` runs everything that
    comes after them again, and makes it possible to retry steps that are done. `inputs` and `handler` are
    merge patches (RFC 7396) of what the handlers of `steps` are given as input, the task's context at first,
    and of `handler.initialization`, from the next attempt on. The context itself stays as it is.
    `keep_checkpoint` false lets a failed step begin from its start.
    """

    steps: StepNames = Field(default_factory=list)
    downstream: bool = False
    whole_task: bool = False
    inputs: dict[str, Any] | None = None
    handler: dict[str, Any] | None = None
    keep_checkpoint: bool = True
    reason: Reason = "retried by an operator"
    actor: Text255 = "api"
    dry_run: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> RetryRequest:
        if self.whole_task and self.steps:
            raise ValueError("whole_task retries all steps: leave out steps")
        if self.edits and not self.steps:
            raise ValueError("inputs and handler belong to steps: name them in steps")
        return self

    @property
    def edits(self) -> bool:
        """Whether inputs or settings are changed."""
        return self.inputs is not None or self.handler is not None


class RerunStep(WireModel):
    """A step that runs again. `chosen` is one that was asked for, the others come after it. `lease_lost`: a
    worker was running it, and its result will be refused. `edited`: its inputs or settings are others now."""

    step_uuid: UUID
    name: str
    old_state: str
    effect: RerunEffect
    chosen: bool
    lease_lost: bool
    edited: bool


class RetryAnswer(WireModel):
    """Exactly what runs again, in the order of the plan; after a dry run, what would. Not `changed` means
    that there was nothing to retry, and `message` says why."""

    task_uuid: UUID
    changed: bool
    dry_run: bool
    message: str
    steps: list[RerunStep]


class ForkRequest(RequestModel):
    """Body of `POST /v1/tasks/{task}/fork`.

    `from` names the steps (names or uuids) that the new task begins with; without it, it goes on where the
    old one stands. `context` is a merge patch (RFC 7396) of the old task's context. A second request with
    the same `idempotency_key` answers the fork that exists.
    """

    model_config = ConfigDict(validate_by_name=True)

    from_: StepNames = Field(default_factory=list, alias="from")
    context: dict[str, Any] | None = None
    idempotency_key: Name | None = None
    reason: Reason = "forked by an operator"
    actor: Text255 = "api"
    dry_run: bool = False


class ForkStep(WireModel):
    """A step of the old task, and what it is in the fork. `superseded`: the fork begins without it, and the
    decision or analyzer that runs again creates it anew."""

    step_uuid: UUID
    name: str
    old_state: str
    effect: Literal["taken_over", "enqueued", "pending", "superseded"]


class ForkAnswer(WireModel):
    """The new task; null after a dry run. Not `created` means that a fork with the same key exists."""

    task_uuid: UUID | None
    forked_from: UUID
    created: bool
    dry_run: bool
    steps: list[ForkStep]


class Fork(WireModel):
    """One fork: a task, the one that it was forked from, and the names of the steps that it began with."""

    task_uuid: UUID
    forked_from: UUID
    steps: list[str]
    context_edited: bool
    actor: str
    reason: str
    forked_at: Timestamp


class ForkList(WireModel):
    """How a task belongs to others: what it was forked from (null: it was not), and its own forks, the oldest
    first."""

    forked_from: Fork | None
    forks: list[Fork]
