"""The client for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from engine.client import calls
from engine.client.calls import Call, Count, Id
from engine.client.duplicates import OnDuplicate, second_call
from engine.client.errors import ApiError, ServerUnreachable, raise_for, reaching
from engine.client.events import EventParser, StreamEvent, read_event
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
    from engine.model.wire.health import DetailedHealthResponse, HealthResponse, ReadinessResponse
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
SILENCE_SECONDS = 30.0
"""A stream that sends nothing for so long is dead: the server gives a sign of life every 10 s."""

FIRST_DELAY, LONGEST_DELAY = 0.2, 5.0


class TaskerClient:
    """All of the REST API. Use it in an `async with` block, or call `close`.

    Every call raises `ApiError` when the server refuses it and `ServerUnreachable` when there is no answer.
    A server that is too busy is asked again when it says so, for `patience` seconds in all, where that cannot
    do anything twice. With `read_only`, the reason for it, what changes something is refused (403) before it
    is sent. `token` is a bearer's. `transport` replaces the network, for tests.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        api_key: str | None = None,
        timeout: float = 30.0,
        *,
        token: str | None = None,
        read_only: str = "",
        patience: float = PATIENCE_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = {} if api_key is None else {"X-API-Key": api_key}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._patience = patience
        self._url = base_url.rstrip("/")
        self._read_only = read_only
        self._http = httpx.AsyncClient(
            base_url=self._url, headers=headers, timeout=timeout, transport=transport,
            verify=verification(self._url),
        )  # fmt: skip

    async def __aenter__(self) -> TaskerClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        if self._read_only and call.changes:
            raise ApiError(403, "READ_ONLY", self._read_only, {})
        waits = Waits(call.method, self._patience)
        while True:
            try:
                return await self._send(call)
            except ApiError as error:
                await asyncio.sleep(waits.before_next(error))

    async def _send(self, call: Call[T]) -> T:
        headers = {} if call.content is None else {"Content-Type": call.content_type}
        with reaching(self._url):
            response = await self._http.request(
                call.method, call.path, params=dict(call.params), content=call.content, headers=headers
            )
        raise_for(response, call.also)
        return call.read(response.content)

    async def create_task(
        self,
        name: str,
        *,
        namespace: str = "default",
        version: str | None = None,
        context: Mapping[str, Any] | None = None,
        initiator: str = "system",
        on_duplicate: OnDuplicate = "raise",
        **fields: Any,
    ) -> TaskResponse:
        """Create a task; `fields` are the other fields of `TaskRequest`.

        `on_duplicate` says what to do when an equal task exists: raise `ApiError` (409), open that one, or
        start another one anyway.
        """
        ours = {"namespace": namespace, "version": version, "context": context, "initiator": initiator}
        try:
            return await self.send(calls.create_task(name, **ours, **fields))
        except ApiError as error:
            again = second_call(error, on_duplicate, name, ours | fields)
        return await self.send(again)

    async def create_tasks_bulk(self, tasks: Sequence[Mapping[str, Any]]) -> BulkCreateResponse:
        """Create up to 1,000 tasks in one transaction; each is a `TaskRequest` and has its own answer."""
        return await self.send(calls.create_tasks_bulk(tasks))

    async def list_tasks(
        self,
        *,
        namespace: str | None = None,
        template: str | None = None,
        version: str | None = None,
        status: Sequence[str] | None = None,
        state: Sequence[str] | None = None,
        why: Sequence[str] | None = None,
        signature: str | None = None,
        tag: str | None = None,
        initiator: str | None = None,
        source_system: str | None = None,
        correlation_id: Id | None = None,
        parent_correlation_id: Id | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        q: str | None = None,
        before: Id | None = None,
        after: Id | None = None,
        page: int | None = None,
        limit: int = 100,
        count: Count = "none",
    ) -> TaskListResponse:
        """Tasks, newest first; `before` and `after` give those next to a uuid, older or newer than it.

        `state` are states, of which `status` knows words for several too: its `pending` are all that go on.
        """
        return await self.send(
            calls.list_tasks(
                namespace=namespace, template=template, version=version, status=status,
                state=state, why=why, signature=signature,
                tag=tag, initiator=initiator, source_system=source_system,
                correlation_id=correlation_id, parent_correlation_id=parent_correlation_id,
                since=since, until=until, q=q,
                before=before, after=after, page=page, limit=limit, count=count,
            )
        )  # fmt: skip

    async def get_task(self, task_uuid: Id) -> TaskResponse:
        """One task with the readiness of its steps."""
        return await self.send(calls.get_task(task_uuid))

    async def cancel_task(
        self, task_uuid: Id, reason: str | None = None, *, cancelled_by: str | None = None
    ) -> TaskResponse:
        """Cancel a task and its steps; the task as it is then."""
        return await self.send(calls.cancel_task(task_uuid, reason, cancelled_by))

    async def task_transitions(
        self, task_uuid: Id, *, step_uuid: Id | None = None, after: int = 0, limit: int = 1_000
    ) -> TransitionPage:
        """A part of what happened to a task, oldest first."""
        return await self.send(
            calls.task_transitions(task_uuid, step_uuid=step_uuid, after=after, limit=limit)
        )

    async def why_task(self, task_uuid: Id) -> list[StepWhy]:
        """Why the steps that have not ended are where they are."""
        return await self.send(calls.why_task(task_uuid))

    async def why_tasks(self, task_uuids: Sequence[Id]) -> list[TaskWhy]:
        """Why each of up to 200 tasks is not done, in one reason; of those that are done there is none."""
        return await self.send(calls.why_tasks(task_uuids))

    async def list_steps(self, task_uuid: Id) -> list[StepDetail]:
        """A task's steps in the order of its plan."""
        return await self.send(calls.list_steps(task_uuid))

    async def get_step(self, task_uuid: Id, step_uuid: Id) -> StepDetail:
        """One step."""
        return await self.send(calls.get_step(task_uuid, step_uuid))

    async def act_on_step(self, task_uuid: Id, step_uuid: Id, action: Action) -> StepDetail:
        """Reset a step for retry, resolve it, or complete it by hand; the step as it is then."""
        return await self.send(calls.act_on_step(task_uuid, step_uuid, action))

    async def step_audit(self, task_uuid: Id, step_uuid: Id) -> list[StepAuditResponse]:
        """Every stored result of a step, newest first."""
        return await self.send(calls.step_audit(task_uuid, step_uuid))

    async def step_logs(
        self,
        task_uuid: Id,
        step_uuid: Id,
        *,
        attempt: int | None = None,
        after: int = 0,
        limit: int = 1_000,
    ) -> LogPage:
        """A part of what a step's handler logged and printed, oldest first."""
        return await self.send(
            calls.step_logs(task_uuid, step_uuid, attempt=attempt, after=after, limit=limit)
        )

    async def list_templates(self, namespace: str | None = None) -> TemplateListResponse:
        """The registered templates."""
        return await self.send(calls.list_templates(namespace))

    async def get_template(self, namespace: str, name: str, version: str | None = None) -> TemplateRevision:
        """One template, the newest version without `version`."""
        return await self.send(calls.get_template(namespace, name, version))

    async def register_template(
        self, template: str | Mapping[str, Any], *, replace: bool = False
    ) -> TemplateRegistration:
        """Register a template: YAML text, or the data of one."""
        return await self.send(calls.register_template(template, replace=replace))

    async def list_workers(self, namespace: str | None = None) -> list[WorkerInfo]:
        """The workers that are known."""
        return await self.send(calls.list_workers(namespace))

    async def health(self) -> HealthResponse:
        """Whether the server answers."""
        return await self.send(calls.health())

    async def readiness(self) -> ReadinessResponse:
        """Whether the server can take work; raises ApiError (503) when it cannot."""
        return await self.send(calls.readiness())

    async def detailed_health(self) -> DetailedHealthResponse:
        """Every check; raises ApiError (503) when the server cannot take work."""
        return await self.send(calls.detailed_health())

    async def stream(
        self,
        scope: str = "summary",
        task_uuid: Id | None = None,
        last_event_id: str | None = None,
        **filters: Any,
    ) -> AsyncIterator[StreamEvent]:
        """Events until the connection ends: the end of the iteration, or `ServerUnreachable`.

        Each event's `cursor` is the `last_event_id` to go on from. `filters` are the other parameters of
        `GET /v1/events/stream`: step_uuid, namespace, template, state.
        """
        async for event in self._events(scope, task_uuid, EventParser(last_event_id), filters):
            yield event

    async def follow(
        self, scope: str = "summary", task_uuid: Id | None = None, **filters: Any
    ) -> AsyncIterator[StreamEvent]:
        """As `stream`, for ever: after a break it goes on where it was, without a gap or with a `reset`."""
        parser, delay = EventParser(), FIRST_DELAY
        while True:
            try:
                async for event in self._events(scope, task_uuid, parser, filters):
                    delay = FIRST_DELAY
                    yield event
            except ServerUnreachable:
                delay = min(delay * 2, LONGEST_DELAY)
            await asyncio.sleep(delay)

    async def _events(
        self, scope: str, task_uuid: Id | None, parser: EventParser, filters: Mapping[str, Any]
    ) -> AsyncIterator[StreamEvent]:
        parser.forget()
        params = calls.given(scope=scope, task_uuid=task_uuid, **filters)
        headers = {} if parser.last_event_id is None else {"Last-Event-ID": parser.last_event_id}
        timeout = httpx.Timeout(self._http.timeout.connect, read=SILENCE_SECONDS)
        with reaching(self._url):
            async with self._http.stream(
                "GET", "/v1/events/stream", params=params, headers=headers, timeout=timeout
            ) as response:
                if not response.is_success:
                    await response.aread()
                raise_for(response)
                async for piece in response.aiter_bytes():
                    for raw in parser.feed(piece):
                        if (event := read_event(raw)) is not None:
                            yield event
