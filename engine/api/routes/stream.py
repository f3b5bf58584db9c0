"""`GET /v1/events/stream`: server-sent events of what happens."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from engine.api.errors import ApiProblem, not_found
from engine.api.middleware import TIMER
from engine.api.services import Api, Services
from engine.api.stream.hub import Hub
from engine.api.stream.subscription import Scope, Subscription, Wanted, encode_mark
from engine.model.problems import did_you_mean
from engine.model.states import StepState, TaskState
from engine.store.tasks import task_exists

router = APIRouter(prefix="/v1/events", tags=["events"])

HEARTBEAT_SECONDS = 10.0
FULL_RETRY_SECONDS = 30
STATES = frozenset([*map(str, TaskState), *map(str, StepState)])
EVENTS = {
    200: {
        "description": "Events `transitions`, `summary`, `log` and `reset`; their ids are cursors for "
        "Last-Event-ID",
        "content": {
            "text/event-stream": {
                "schema": {
                    "oneOf": [
                        {"$ref": f"#/components/schemas/{name}"}
                        for name in ("TransitionsEvent", "SummaryEvent", "LogEvent", "ResetEvent")
                    ]
                }
            }
        },
    }
}


@router.get("/stream", response_class=Response, responses=EVENTS)  # type: ignore[arg-type]
async def stream(
    request: Request,
    api: Api,
    scope: Annotated[Scope, Query(description="What to send")] = "summary",
    task_uuid: Annotated[UUID | None, Query(description="Of this task alone")] = None,
    step_uuid: Annotated[UUID | None, Query(description="Of this step alone")] = None,
    namespace: Annotated[str | None, Query(max_length=255)] = None,
    template: Annotated[str | None, Query(max_length=255)] = None,
    state: Annotated[list[str] | None, Query(description="Only what is or was in one of these")] = None,
    last_event_id: Annotated[str | None, Header(description="Go on from there")] = None,
    cursor: Annotated[str | None, Query(description="As Last-Event-ID, for who can't set headers")] = None,
) -> Response:
    """Follow changes: `summary` of tasks, `task` and `transitions` row by row, `logs` line by line.

    The first event says where the stream begins: load after it, and nothing is missed. `reset` asks to load
    again.
    """
    wanted = Wanted(scope, task_uuid, step_uuid, namespace, template, _states(state))
    if api.hub.full:
        raise ApiProblem(
            503,
            f"{api.hub.subscribers} clients follow this engine's events, which is all that it takes",
            code="BACKPRESSURE",
            hint="close some, or follow another engine",
            retry_after_seconds=FULL_RETRY_SECONDS,
        )
    await _check(api, wanted)
    request.scope[TIMER].reschedule(None)
    return EventStream(api.hub, Subscription(wanted, last_event_id or cursor))


def _states(given: list[str] | None) -> frozenset[str]:
    states = [word.strip() for word in ",".join(given or ()).split(",") if word.strip()]
    for state in states:
        if state not in STATES:
            raise ApiProblem(400, f"state: there is no state '{state}'", hint=did_you_mean(state, STATES))
    return frozenset(states)


async def _check(api: Services, wanted: Wanted) -> None:
    if wanted.scope in ("task", "logs") and wanted.task_uuid is None:
        raise ApiProblem(400, f"scope={wanted.scope} needs task_uuid", hint="add ?task_uuid=…")
    if wanted.task_uuid is not None:
        async with api.database.acquire() as conn:
            if not await task_exists(conn, wanted.task_uuid):
                raise not_found(f"task {wanted.task_uuid}")


class EventStream(Response):
    """The answer that goes on until the client leaves or the server stops."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, subscription: Subscription) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._hub = hub
        self._subscription = subscription

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        self._hub.subscribe(self._subscription)
        leaving = asyncio.create_task(self._until_gone(receive))
        try:
            while (messages := await self._subscription.take(HEARTBEAT_SECONDS)) is not None:
                chunk = b"".join(messages) or encode_mark(self._subscription.cursor)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            leaving.cancel()
            self._hub.unsubscribe(self._subscription)

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._subscription.close()
