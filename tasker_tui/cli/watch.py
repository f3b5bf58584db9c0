"""Follows a task to its end: every change as it happens, through the event stream.

The stream only shows; whether the task has ended is looked up, at once when the stream says so and once a
second besides. So it also works where the stream cannot be had, and no end is missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from uuid import UUID

from engine.client import ServerUnreachable, TaskerClient
from engine.model.states import TaskState
from engine.model.wire.events import TransitionsEvent
from engine.model.wire.tasks import TaskResponse
from tasker_tui.cli.errors import FAILED
from tasker_tui.cli.reporters import JsonReporter, PeopleReporter, Reporter

LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 30.0

SUCCEEDED = {TaskState.COMPLETE, TaskState.RESOLVED_MANUALLY}
# A blocked task rests until somebody repairs it: for whoever waits that is its end.
ENDED = SUCCEEDED | {TaskState.ERROR, TaskState.CANCELLED, TaskState.BLOCKED_BY_FAILURES}


async def follow(client: TaskerClient, task_uuid: UUID, *, as_json: bool) -> int:
    """Show what happens to a task until it ends; returns 0 when it is complete, else 1.

    Raises ApiError when there is no such task, ServerUnreachable when the server stays away for 30 s.
    """
    reporter = JsonReporter() if as_json else PeopleReporter()
    reporter.begin(await client.get_task(task_uuid))
    task = await _Watch(client, task_uuid, reporter).until_ended()
    failed = [] if task.status in SUCCEEDED else await client.list_steps(task_uuid)
    reporter.end(task, failed)
    return 0 if task.status in SUCCEEDED else FAILED


class _Watch:
    """One task under watch."""

    def __init__(self, client: TaskerClient, task_uuid: UUID, reporter: Reporter) -> None:
        self._client = client
        self._task_uuid = task_uuid
        self._reporter = reporter
        self._look = asyncio.Event()
        self._listening = False

    async def until_ended(self) -> TaskResponse:
        """Report changes until the task has ended; returns it as it is then."""
        listener = asyncio.create_task(self._listen())
        try:
            while True:
                caught_up = self._listening
                task = await self._patiently_get()
                ended = task.status in ENDED
                if ended or not caught_up:
                    self._reporter.states(task)
                if ended:
                    return task
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._look.wait(), LOOK_SECONDS)
                self._look.clear()
        finally:
            listener.cancel()

    async def _listen(self) -> None:
        """Report the stream's changes; its first event says that what comes later is not missed."""
        async for event in self._client.follow("task", self._task_uuid):
            if isinstance(event, TransitionsEvent):
                self._reporter.changes(event.changes)
                if any(change.step_uuid is None and change.to_state in ENDED for change in event.changes):
                    self._look.set()
            if not self._listening:
                self._listening = True
                self._look.set()

    async def _patiently_get(self) -> TaskResponse:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await self._client.get_task(self._task_uuid)
            except ServerUnreachable:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(LOOK_SECONDS)
