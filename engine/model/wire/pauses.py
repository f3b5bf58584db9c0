"""Pausing and resuming as the REST API reads and answers it."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from engine.model.wire.base import RequestModel, Timestamp, WireModel
from engine.model.wire.fields import Reason, Text255


class PauseScope(StrEnum):
    """What is paused."""

    NAMESPACE = "namespace"
    TEMPLATE = "template"
    TASK = "task"


class PauseRequest(RequestModel):
    """Body of every pause and resume. `dry_run` says what would change, and changes nothing."""

    reason: Reason = "paused by an operator"
    actor: Text255 = "api"
    dry_run: bool = False


class PauseAnswer(WireModel):
    """`changed` is false where it was so already, and after a dry run says what a real one would change."""

    paused: bool
    changed: bool
    dry_run: bool


class Pause(WireModel):
    """One thing that is paused: `namespace` and `template` (with `version`) or `task_uuid` by its scope."""

    scope: PauseScope
    namespace: str | None
    template: str | None
    version: str | None
    task_uuid: UUID | None
    paused_by: str
    reason: str
    paused_at: Timestamp


class PauseList(WireModel):
    """Everything that is paused, the oldest first."""

    pauses: list[Pause]
