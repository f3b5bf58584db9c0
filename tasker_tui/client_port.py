"""What the dashboard needs of the REST API's client; `engine.client.TaskerClient` provides it.

Screens and workers name this protocol instead of the client, so that tests can answer in its place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from engine.client import StreamEvent
from engine.client.calls import Call
from engine.client.duplicates import OnDuplicate

if TYPE_CHECKING:
    from engine.model.wire.details import LogPage, StepDetail, StepWhy, TransitionPage
    from engine.model.wire.health import HealthResponse
    from engine.model.wire.requests import CompleteManually, ResetForRetry, ResolveManually, Skip
    from engine.model.wire.tasks import (
        StepAuditResponse,
        TaskListResponse,
        TaskResponse,
        TemplateDetail,
        TemplateListResponse,
    )
    from engine.model.wire.worker import WorkerInfo

Scope = Literal["summary", "task", "transitions"]
OLDEST = "00000000-0000-0000-0000-000000000000"
"""As `after`, asks for the oldest tasks."""


T = TypeVar("T")


class TaskerPort(Protocol):
    """Calls raise what the client raises; `explain` in `tasker_tui.trouble` puts it in words."""

    async def close(self) -> None:
        """Close the connections."""
        ...

    async def send(self, call: Call[T]) -> T:
        """Make a call of one of the client's modules of calls."""
        ...

    async def list_tasks(
        self,
        *,
        namespace: str | None = None,
        template: str | None = None,
        state: Sequence[str] | None = None,
        why: Sequence[str] | None = None,
        signature: str | None = None,
        tag: str | None = None,
        initiator: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        q: str | None = None,
        before: str | None = None,
        after: str | None = None,
        limit: int = 100,
        count: Literal["none", "exact", "estimate"] = "none",
    ) -> TaskListResponse:
        """Tasks, newest first; `before` and `after` give those next to a uuid, older or newer than it."""
        ...

    async def get_task(self, task_uuid: str) -> TaskResponse: ...

    async def list_steps(self, task_uuid: str) -> Sequence[StepDetail]: ...

    async def why_task(self, task_uuid: str) -> Sequence[StepWhy]:
        """Why the steps that have not ended are where they are."""
        ...

    async def step_audit(self, task_uuid: str, step_uuid: str) -> Sequence[StepAuditResponse]: ...

    async def act_on_step(
        self,
        task_uuid: str,
        step_uuid: str,
        action: ResetForRetry | ResolveManually | CompleteManually | Skip,
    ) -> StepDetail: ...

    async def step_logs(self, task_uuid: str, step_uuid: str) -> LogPage: ...

    async def task_transitions(self, task_uuid: str, *, after: int = 0) -> TransitionPage:
        """What happened to the task, oldest first; `next_after` of the answer asks for the next part."""
        ...

    async def cancel_task(
        self, task_uuid: str, reason: str | None = None, *, cancelled_by: str | None = None
    ) -> TaskResponse: ...

    async def create_task(
        self,
        name: str,
        *,
        namespace: str = "default",
        version: str | None = None,
        context: Mapping[str, Any] | None = None,
        initiator: str = "system",
        on_duplicate: OnDuplicate = "raise",
    ) -> TaskResponse:
        """`on_duplicate` says what to do when an equal task exists: raise, open that one, start another."""
        ...

    async def list_templates(self, namespace: str | None = None) -> TemplateListResponse: ...

    async def get_template(self, namespace: str, name: str, version: str) -> TemplateDetail: ...

    async def list_workers(self) -> Sequence[WorkerInfo]: ...

    async def health(self) -> HealthResponse: ...

    def stream(
        self, scope: str = "summary", task_uuid: str | None = None, last_event_id: str | None = None
    ) -> AsyncIterator[StreamEvent]: ...
