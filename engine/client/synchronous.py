"""The client for code without asyncio, with the names of the Python SDK (`workers.TaskerClient`)."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from engine.client import calls
from engine.client.calls import Call, Id
from engine.client.duplicates import OnDuplicate, second_call
from engine.client.errors import ApiError, raise_for, reaching
from engine.client.patience import PATIENCE_SECONDS, Waits
from engine.client.tls import verification

if TYPE_CHECKING:
    from engine.client.calls import Action
    from engine.model.wire.details import (
        LogPage,
        StepDetail,
        StepWhy,
        TaskWhy,
        TemplateRegistration,
        TemplateRevision,
        TransitionPage,
    )
    from engine.model.wire.health import HealthResponse
    from engine.model.wire.requests import BulkCreateResponse
    from engine.model.wire.tasks import (
        StepAuditResponse,
        TaskListResponse,
        TaskResponse,
        TemplateListResponse,
    )
    from engine.model.wire.worker import WorkerInfo

T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:8080"


class SyncTaskerClient:
    """The SDK's client, and the rest of the REST API under the names of `TaskerClient`.

    The address is `base_url`, else TASKER_URL, else this machine's port 8080; the key `api_key`, else
    TASKER_API_KEY. Raises and waits as the asynchronous client does. `transport` replaces the network, for
    tests.
    """

    def __init__(
        self,
        initiator: str = "tasker-core-python",
        source_system: str = "tasker-core",
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 30.0,
        patience: float = PATIENCE_SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.initiator = initiator
        self.source_system = source_system
        self._patience = patience
        self._url = (base_url or os.environ.get("TASKER_URL") or DEFAULT_URL).rstrip("/")
        key = api_key or os.environ.get("TASKER_API_KEY")
        headers = {"X-API-Key": key} if key else {}
        self._http = httpx.Client(
            base_url=self._url, headers=headers, timeout=timeout, transport=transport,
            verify=verification(self._url),
        )  # fmt: skip

    def __enter__(self) -> SyncTaskerClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        waits = Waits(call.method, self._patience)
        while True:
            try:
                return self._send(call)
            except ApiError as error:
                time.sleep(waits.before_next(error))

    def _send(self, call: Call[T]) -> T:
        headers = {} if call.content is None else {"Content-Type": call.content_type}
        with reaching(self._url):
            response = self._http.request(
                call.method, call.path, params=dict(call.params), content=call.content, headers=headers
            )
        raise_for(response, call.also)
        return call.read(response.content)

    def create_task(
        self,
        name: str,
        *,
        namespace: str = "default",
        context: Mapping[str, Any] | None = None,
        version: str | None = "1.0.0",
        reason: str = "Task requested",
        on_duplicate: OnDuplicate = "raise",
        **kwargs: Any,
    ) -> TaskResponse:
        """Create a task; `kwargs` are other fields of `TaskRequest`. `version` None is the newest one.

        `on_duplicate` says what to do when an equal task exists: raise `ApiError` (409), open that one, or
        start another one anyway.
        """
        ours = {"initiator": self.initiator, "source_system": self.source_system, "context": context}
        fields = ours | {"namespace": namespace, "version": version, "reason": reason} | kwargs
        try:
            return self.send(calls.create_task(name, **fields))
        except ApiError as error:
            again = second_call(error, on_duplicate, name, fields)
        return self.send(again)

    def create_tasks_bulk(self, tasks: Sequence[Mapping[str, Any]]) -> BulkCreateResponse:
        """Create up to 1,000 tasks in one transaction; each is a `TaskRequest` and has its own answer."""
        ours = {"initiator": self.initiator, "source_system": self.source_system}
        return self.send(calls.create_tasks_bulk([ours | dict(task) for task in tasks]))

    def get_task(self, task_uuid: Id) -> TaskResponse:
        """One task with the readiness of its steps."""
        return self.send(calls.get_task(task_uuid))

    def list_tasks(
        self,
        *,
        limit: int = 50,
        offset: int = 0,
        namespace: str | None = None,
        status: str | None = None,
        **filters: Any,
    ) -> TaskListResponse:
        """Tasks, newest first, from number `offset` on; `filters` are other parameters of `GET /v1/tasks`."""
        page, skipped = divmod(offset, limit)
        wanted = {"namespace": namespace, "status": status, "limit": limit} | filters
        found = self.send(calls.list_tasks(page=page + 1 if offset else None, **wanted))
        if skipped and found.pagination.has_next:
            found.tasks += self.send(calls.list_tasks(page=page + 2, **wanted)).tasks
        found.tasks = found.tasks[skipped : skipped + limit]
        return found

    def cancel_task(self, task_uuid: Id) -> dict[str, Any]:
        """Cancel a task and its steps; the task as it is then, as a dict (so the SDK has it)."""
        return self.send(calls.cancel_task(task_uuid, None, self.initiator)).model_dump(mode="json")

    def list_task_steps(self, task_uuid: Id) -> list[StepDetail]:
        """A task's steps in the order of its plan."""
        return self.send(calls.list_steps(task_uuid))

    def get_step(self, task_uuid: Id, step_uuid: Id) -> StepDetail:
        """One step."""
        return self.send(calls.get_step(task_uuid, step_uuid))

    def get_step_audit_history(self, task_uuid: Id, step_uuid: Id) -> list[StepAuditResponse]:
        """Every stored result of a step, newest first."""
        return self.send(calls.step_audit(task_uuid, step_uuid))

    def health_check(self) -> HealthResponse:
        """Whether the server answers."""
        return self.send(calls.health())

    def act_on_step(self, task_uuid: Id, step_uuid: Id, action: Action) -> StepDetail:
        """Reset a step for retry, resolve it, or complete it by hand; the step as it is then."""
        return self.send(calls.act_on_step(task_uuid, step_uuid, action))

    def task_transitions(
        self, task_uuid: Id, *, step_uuid: Id | None = None, after: int = 0, limit: int = 1_000
    ) -> TransitionPage:
        """A part of what happened to a task, oldest first."""
        return self.send(calls.task_transitions(task_uuid, step_uuid=step_uuid, after=after, limit=limit))

    def why_task(self, task_uuid: Id) -> list[StepWhy]:
        """Why the steps that have not ended are where they are."""
        return self.send(calls.why_task(task_uuid))

    def why_tasks(self, task_uuids: Sequence[Id]) -> list[TaskWhy]:
        """Why each of up to 200 tasks is not done, in one reason; of those that are done there is none."""
        return self.send(calls.why_tasks(task_uuids))

    def step_logs(
        self,
        task_uuid: Id,
        step_uuid: Id,
        *,
        attempt: int | None = None,
        after: int = 0,
        limit: int = 1_000,
    ) -> LogPage:
        """A part of what a step's handler logged and printed, oldest first."""
        return self.send(calls.step_logs(task_uuid, step_uuid, attempt=attempt, after=after, limit=limit))

    def list_templates(self, namespace: str | None = None) -> TemplateListResponse:
        """The registered templates."""
        return self.send(calls.list_templates(namespace))

    def get_template(self, namespace: str, name: str, version: str | None = None) -> TemplateRevision:
        """One template, the newest version without `version`."""
        return self.send(calls.get_template(namespace, name, version))

    def register_template(
        self, template: str | Mapping[str, Any], *, replace: bool = False
    ) -> TemplateRegistration:
        """Register a template: YAML text, or the data of one."""
        return self.send(calls.register_template(template, replace=replace))

    def list_workers(self, namespace: str | None = None) -> list[WorkerInfo]:
        """The workers that are known."""
        return self.send(calls.list_workers(namespace))
